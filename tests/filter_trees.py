"""Hypothesis-made filters on alerts: a tree, its text, and the same question in DuckDB's SQL."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from nuncius.filters import tree as t

TEXTS = ("", "GRB", "grb 1", "it's", "100%", "a_b", "a!b", "é", "x\\y", "%%", "IceCube-Gold")
PATTERNS = ("%", "", "GRB%", "%b", "a_b", "a!_b", "%!%", "%'%", "_", "g%1", "%a%b%", "é", "x\\y", "%-%ld")
NUMBERS = (0.0, 1.0, -1.0, 0.5, 1e-8, 3e-7, 20.5, 1e308, 5e-324)
MOMENTS = (0, 1_793_491_200_000_000, 1_793_491_200_000_001)
NUMBER_FIELDS = ("far_hz", "p_astro", "redshift", "distance_mpc", "mag", "sequence")
TEXT_FIELDS = ("facility", "instrument", "native_id")
POINTS = ((10.0, 20.0), (11.0, 20.0), (197.0, -23.0), (359.9, 0.0), (0.1, 0.0), (77.0, 90.0))
PLACES: tuple[t.Circle | t.Outline, ...] = (
    t.Circle(10.0, 20.0, 5.03),
    t.Circle(0.0, 0.0, 0.53),
    t.Circle(200.0, -20.0, 11.07),
    t.Outline(((190.0, -30.0), (205.0, -30.0), (205.0, -15.0), (190.0, -15.0))),
)
OWN = t.Position(t.Field("ra", "number"), t.Field("dec", "number"))

number_leaves: st.SearchStrategy[t.Value] = st.one_of(
    st.sampled_from(NUMBERS).map(t.Number),
    st.sampled_from(NUMBER_FIELDS).map(lambda name: t.Field(name, "number")),
    st.sampled_from(("BNS", "it's")).map(lambda key: t.MapItem("classification", key, "number")),
    st.just(t.MapItem("properties", "mixed", "number")),
    st.sampled_from(POINTS).map(lambda place: t.Separation(OWN, t.Position(t.Number(place[0]), t.Number(place[1])))),
)


def _arithmetic(parts: st.SearchStrategy[t.Value]) -> st.SearchStrategy[t.Value]:
    not_number = parts.filter(lambda part: not isinstance(part, t.Number))
    return st.one_of(
        st.builds(t.Arithmetic, st.sampled_from(("+", "-", "*", "/")), parts, parts), st.builds(t.Negative, not_number)
    )


numbers = st.recursive(number_leaves, _arithmetic, max_leaves=3)
texts = st.one_of(
    st.sampled_from(TEXT_FIELDS).map(lambda name: t.Field(name, "text")),
    st.just(t.MapItem("properties", "mixed", "text")),
)
time = t.Field("time_start", "time")
order = st.sampled_from(("=", "!=", "<", "<=", ">", ">="))
flags: st.SearchStrategy[t.Field | t.MapItem] = st.sampled_from(
    (t.Field("has_skymap", "flag"), t.MapItem("properties", "mixed", "flag"))
)
fields = st.sampled_from(NUMBER_FIELDS).map(lambda name: t.Field(name, "number"))
simple: st.SearchStrategy[t.Condition] = st.one_of(
    st.builds(t.Comparison, order, fields, numbers),
    st.builds(t.Comparison, order, texts, st.sampled_from(TEXTS).map(t.Text)),
    st.builds(t.Comparison, order, st.just(time), st.sampled_from(MOMENTS).map(t.Moment)),
    st.builds(t.Comparison, st.sampled_from(("=", "!=")), flags, st.builds(t.Flag, st.booleans())),
    st.builds(t.Among, texts, st.lists(st.sampled_from(TEXTS).map(t.Text), min_size=1, max_size=3).map(tuple)),
    st.builds(t.Among, fields, st.lists(st.sampled_from(NUMBERS).map(t.Number), min_size=1, max_size=3).map(tuple)),
    st.builds(t.Like, texts, st.sampled_from(PATTERNS), st.sampled_from(("", "!")), st.booleans()).filter(
        lambda like: like.escape != "!" or like.pattern.count("!") == sum(like.pattern.count(f"!{c}") for c in "%_")
    ),
    st.builds(t.IsNull, st.one_of(fields, st.just(time), st.just(t.MapItem("properties", "mixed", "any")))),
    st.builds(t.Truth, flags),
    st.builds(t.Truth, st.builds(t.Flag, st.booleans())),
    st.builds(t.Within, st.just(OWN), st.sampled_from(PLACES)),
)


def _joined(parts: st.SearchStrategy[t.Condition]) -> st.SearchStrategy[t.Condition]:
    some = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(t.Not, parts), st.builds(t.All, some), st.builds(t.AnyOf, some))


conditions = st.recursive(simple, _joined, max_leaves=6)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def iso(time_us: int) -> str:
    seconds, rest = divmod(time_us, 1_000_000)
    return {0: "1970-01-01T00:00:00", 1_793_491_200: "2026-11-01T00:00:00"}[seconds] + f".{rest:06d}Z"


def text(node: Any) -> str:  # noqa: C901, PLR0912  one line a kind of node
    """In the words of the language."""
    match node:
        case t.All(parts):
            return " AND ".join(f"({text(part)})" for part in parts)
        case t.AnyOf(parts):
            return " OR ".join(f"({text(part)})" for part in parts)
        case t.Not(part):
            return f"NOT ({text(part)})"
        case t.Comparison(sign, left, right) | t.Arithmetic(sign, left, right):
            return f"({text(left)}) {sign} ({text(right)})"
        case t.Among(value, choices):
            return f"{text(value)} IN ({', '.join(text(choice) for choice in choices)})"
        case t.Like(value, pattern, escape, ignore_case):
            tail = f" ESCAPE {quoted(escape)}" if escape else ""
            return f"{text(value)} {'ILIKE' if ignore_case else 'LIKE'} {quoted(pattern)}{tail}"
        case t.IsNull(of):
            return f"{text(of)} IS NULL"
        case t.Truth(of):
            return text(of)
        case t.Negative(of):
            return f"-({text(of)})"
        case t.Field(name):
            return str(name)
        case t.MapItem(name, key):
            return f"{name}[{quoted(key)}]"
        case t.Number(value):
            return repr(value)
        case t.Flag(value):
            return str(value).upper()
        case t.Text(value):
            return quoted(value)
        case t.Moment(time_us):
            return quoted(iso(time_us))
        case t.Position(ra, dec):
            return f"POINT('ICRS', {text(ra)}, {text(dec)})"
        case t.Separation(one, two):
            return f"DISTANCE({text(one)}, {text(two)})"
        case t.Within(position, t.Circle(ra, dec, radius)):
            return f"CONTAINS({text(position)}, CIRCLE({ra}, {dec}, {radius})) = 1"
        case t.Within(position, t.Outline(vertices)):
            return f"1 = CONTAINS({text(position)}, POLYGON({', '.join(f'{ra}, {dec}' for ra, dec in vertices)}))"
    raise AssertionError(node)


def duck(node: Any, columns: Mapping[Any, str]) -> str:  # noqa: C901, PLR0912  one line a kind of node
    """In DuckDB's SQL; ``columns`` names the columns of fields, entries, angles and places."""
    if node in columns:
        return columns[node]

    def part(below: Any) -> str:
        return duck(below, columns)

    match node:
        case t.All(parts):
            return "(" + " AND ".join(part(p) for p in parts) + ")"
        case t.AnyOf(parts):
            return "(" + " OR ".join(part(p) for p in parts) + ")"
        case t.Not(p):
            return f"(NOT {part(p)})"
        case t.Comparison(sign, left, right):
            return f"({part(left)} {sign} {part(right)})"
        case t.Arithmetic(sign, left, right):
            whole = f"({part(left)} {sign} {part(right)})"
            return f"(CASE WHEN isfinite({whole}) THEN {whole} END)"
        case t.Negative(of):
            return f"(-{part(of)})"
        case t.Among(value, choices):
            return f"({part(value)} IN ({', '.join(part(choice) for choice in choices)}))"
        case t.Like(value, pattern, escape, ignore_case):
            tail = f" ESCAPE {quoted(escape)}" if escape else ""
            return f"({part(value)} {'ILIKE' if ignore_case else 'LIKE'} {quoted(pattern)}{tail})"
        case t.IsNull(of):
            return f"({part(of)} IS NULL)"
        case t.Truth(of):
            return part(of)
        case t.Number(value):
            return f"CAST('{value!r}' AS DOUBLE)"
        case t.Flag(value):
            return str(value).upper()
        case t.Text(value):
            return quoted(value)
        case t.Moment(time_us):
            return str(time_us)
    raise AssertionError(node)

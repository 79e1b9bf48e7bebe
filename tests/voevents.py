"""Writes small VOEvent packets for tests, all of them made up, and looks at what came of them."""

from collections.abc import Iterable, Mapping
from xml.sax.saxutils import quoteattr

from nuncius.schemas.alert import Alert
from nuncius.schemas.localization import Cone, Localization

GCN = "ivo://nasa.gsfc.gcn/"
NAMESPACE = "http://www.ivoa.net/xml/VOEvent/v2.0"
Groups = Mapping[str, Mapping[str, object]]


def params(values: Mapping[str, object]) -> str:
    return "".join(f"<Param name={quoteattr(name)} value={quoteattr(str(value))}/>" for name, value in values.items())


def where(
    *,
    time: str | None = "2021-03-04T05:06:07.89",
    ra: object = 123.25,
    dec: object = -45.5,
    radius: object = None,
    frame: str = "UTC-FK5-GEO",
    observatory: str = '<ObservatoryLocation id="GEOLUN"/>',
) -> str:
    when = "" if time is None else f"<Time><TimeInstant><ISOTime>{time}</ISOTime></TimeInstant></Time>"
    error = "" if radius is None else f"<Error2Radius>{radius}</Error2Radius>"
    place = "" if ra is None else f"<Value2><C1>{ra}</C1><C2>{dec}</C2></Value2>{error}"
    position = f'<Position2D unit="deg"><Name1>RA</Name1><Name2>Dec</Name2>{place}</Position2D>' if place else ""
    return (
        f"<WhereWhen><ObsDataLocation>{observatory}<ObservationLocation>"
        f'<AstroCoordSystem id="{frame}"/><AstroCoords coord_system_id="{frame}">{when}{position}</AstroCoords>'
        "</ObservationLocation></ObsDataLocation></WhereWhen>"
    )


def packet(
    ivorn: str = "ivo://example.org/made#up-1",
    *,
    role: str | None = "observation",
    date: str = "2021-03-04T05:07:00",
    values: Mapping[str, object] | None = None,
    groups: Groups | None = None,
    sky: str | None = None,
    cites: Iterable[tuple[str, str]] = (),
    concept: str = "",
    namespace: str | None = NAMESPACE,
    version: str = "2.0",
    before: str = "<?xml version='1.0' encoding='UTF-8'?>\n",
) -> bytes:
    tag, xmlns = ("VOEvent", "") if namespace is None else ("voe:VOEvent", f' xmlns:voe="{namespace}"')
    says = "" if role is None else f' role="{role}"'
    grouped = "".join(f'<Group name="{name}">{params(inner)}</Group>' for name, inner in (groups or {}).items())
    cited = "".join(f'<EventIVORN cite="{kind}">{target}</EventIVORN>' for kind, target in cites)
    why = f"<Why><Inference><Concept>{concept}</Concept></Inference></Why>" if concept else ""
    text = (
        f'{before}<{tag}{xmlns} version="{version}"{says} ivorn="{ivorn}">'
        f"<Who><AuthorIVORN>ivo://example.org/author</AuthorIVORN><Date>{date}</Date></Who>"
        f"<What>{params(values or {})}{grouped}</What>{where() if sky is None else sky}{why}"
        f"<Citations>{cited}</Citations></{tag}>"
    )
    return text.encode()


def own(alert: Alert) -> Localization:
    assert alert.localizations
    return alert.localizations[0]


def cone(alert: Alert) -> Cone:
    shape = own(alert).shape
    assert isinstance(shape, Cone)
    return shape

"""A stand-in for the Gravitational Wave Treasure Map, with the rules of its server.

Written from TheTreasureMap/gwtm: ``server/schemas/pointing.py``, ``routes/pointing``, ``utils/geometry.py``.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fakes.server import Call, Fake, Reply
from pydantic import BaseModel, Field, ValidationError, model_validator

TOKEN = "tm-t0ken-9f8e7d"  # noqa: S105  a made-up one
USER = "nuncius"
INSTRUMENT = 38
SQUARE = "POLYGON ((-1 -0.5, 1 -0.5, 1 0.5, -1 0.5, -1 -0.5))"
BANDS = "U B V R I J H K u g r i z UVW1 UVW2 UVM2 XRT clear open UHF VHF L S C X other TESS BAT HESS WISEL q"


class Pointing(BaseModel):
    id: int | None = None
    ra: Annotated[float, Field(ge=0, le=360)] | None = None
    dec: Annotated[float, Field(ge=-90, le=90)] | None = None
    instrumentid: int | None = None
    time: datetime | None = None
    status: Literal["planned", "completed", "cancelled"] = "completed"
    depth: float | None = None
    depth_unit: Literal["ab_mag", "vega_mag", "flux_erg", "flux_jy"] | None = None
    band: str | None = None
    pos_angle: float | None = None
    central_wave: float | None = None
    bandwidth: float | None = None

    @model_validator(mode="after")
    def whole(self) -> Self:
        needed = {"planned": ["time"], "completed": ["depth", "depth_unit", "band", "time"], "cancelled": []}
        missing = [name for name in [*needed[self.status], "ra", "dec"] if getattr(self, name) is None]
        if missing:
            raise ValueError(f"{missing[0]} is required for {self.status} observations")
        if self.band is not None and self.band not in BANDS.split():
            raise ValueError(f"no band {self.band}")
        if self.time is not None and self.time.tzinfo is not None:
            raise ValueError("times are kept without a zone: this one would never be found again")
        return self


class Create(BaseModel):
    graceid: str
    pointing: Pointing | None = None
    pointings: list[Pointing] = []

    @model_validator(mode="after")
    def one_of_both(self) -> Self:
        if (self.pointing is None) == (not self.pointings):
            raise ValueError("Either pointing or pointings must be provided")
        return self


class Update(BaseModel):
    status: Literal["cancelled"]
    ids: Annotated[list[int], Field(min_length=1)]


class Map(Fake):
    """The map, and its pointings by number; two events are known to it."""

    def __init__(self) -> None:
        super().__init__()
        self.events = {"S190814bv", "S170817"}
        self.rows: dict[int, dict[str, Any]] = {}

    def asks(self, call: Call) -> bool:
        return call.method == "POST"

    def handle(self, call: Call) -> Reply:
        if call.method == "GET":
            return self._get(call)
        if call.headers.get("api_token") != TOKEN:
            return Reply(401, {"message": f"Authentication required, not {call.headers.get('api_token')}"})
        try:
            if call.path == "/api/v1/pointings":
                return self._create(Create.model_validate_json(call.body))
            if call.path == "/api/v1/update_pointings":
                return self._update(Update.model_validate_json(call.body))
        except ValidationError as error:
            return Reply(400, {"message": "Request validation error", "errors": [one["msg"] for one in error.errors()]})
        return Reply(404, {"message": "Not Found"})

    def add(self, event: str, username: str = "somebody", **row: Any) -> int:
        """A pointing that stands there."""
        ident = 1000 + len(self.rows)
        known = {"id": ident, "username": username, "instrument_name": "DECam", "graceid": event}
        self.rows[ident] = known | {"instrumentid": INSTRUMENT, "datecreated": "2019-08-14T22:00:00"} | row
        return ident

    def _get(self, call: Call) -> Reply:
        if call.path == "/api/v1/footprints":
            here = call.query["id"] == str(INSTRUMENT)
            return Reply(200, [{"instrumentid": INSTRUMENT, "footprint": SQUARE}] if here else [])
        wanted = {"graceid": "graceid", "status": "status", "user": "username", "instrument": "instrumentid"}
        if "ids" in call.query or "id" in call.query:
            named = call.query.get("ids", call.query.get("id", "")).strip("[]").split(",")
            return Reply(200, [self.rows[int(ident)] for ident in named])
        since, until = call.query.get("completed_after", ""), call.query.get("completed_before", "9")
        found = [
            row
            for row in self.rows.values()
            if all(str(row[mine]) == call.query[asked] for asked, mine in wanted.items() if asked in call.query)
            and (not since or row["status"] == "completed")
            and since <= (row.get("time") or "") <= until
        ]
        return Reply(200, [{name: value for name, value in row.items() if name != "graceid"} for row in found])

    def _create(self, wanted: Create) -> Reply:
        if wanted.graceid not in self.events:
            words = f"The graceid '{wanted.graceid}' does not exist in the database"
            return Reply(400, {"message": "Invalid graceid", "errors": [{"message": words}]})
        ids, errors = [], []
        for one in wanted.pointings or filter(None, [wanted.pointing]):
            row = one.model_dump(mode="json", exclude={"ra", "dec", "id"})
            ra = (one.ra or 0.0) - (360.0 if (one.ra or 0.0) > 180.0 else 0.0)  # PostGIS keeps longitudes so
            row["position"] = f"POINT ({ra} {one.dec})"
            row["time"] = None if one.time is None else one.time.isoformat()
            if one.instrumentid != INSTRUMENT or self.refusing:
                errors.append([f"Object: {row}", [f"Instrument with ID {one.instrumentid} not found"]])
            elif any(all(there[name] == row[name] for name in row) for there in self.rows.values()):
                errors.append([f"Object: {row}", ["Pointing already submitted"]])
            else:
                ids.append(self.add(wanted.graceid, USER, **row))
        return Reply(200, {"pointing_ids": ids, "ERRORS": errors, "WARNINGS": [], "DOI": None})

    def _update(self, wanted: Update) -> Reply:
        mine = [self.rows[ident] for ident in wanted.ids if self.rows[ident]["username"] == USER]
        planned = [row for row in mine if row["status"] == "planned"]
        for row in planned:
            row["status"] = "cancelled"
        return Reply(200, {"message": f"Updated {len(planned)} pointings successfully."})

    def planned(self) -> list[tuple[float, float]]:
        """Centres of our planned fields."""
        mine = [row for row in self.rows.values() if row["status"] == "planned" and row["username"] == USER]
        places = [row["position"].partition("(")[2].rstrip(")").split() for row in mine]
        return [(float(ra) % 360.0, float(dec)) for ra, dec in places]

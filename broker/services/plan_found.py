"""The plan of a request as it stands on a log: its fields, who observes them from where, and the map under them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from nuncius.broker.planning.fitting import ANYTHING
from nuncius.broker.planning.notice import Notice, Thread
from nuncius.broker.planning.planned import limits_of
from nuncius.broker.planning.policy import Policies
from nuncius.broker.planning.telescope import Telescope
from nuncius.broker.planning.verdict import Cause, Wanted, judge, named_alerts
from nuncius.broker.planning.visibility import Limits, Site, altitude_of, windows
from nuncius.broker.services.alerts import decode_alert
from nuncius.broker.services.archive import COINCIDENCES, EVENTS, Archive, record_at
from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.readable import readable
from nuncius.broker.services.too_book import SHORT, Entry
from nuncius.broker.sky import SkyMap
from nuncius.broker.transport.port import Log, Record
from nuncius.schemas import Alert, CandidateList, Coincidence, PlannedTile, SettingsError, SkyMapRef, ToORequest
from nuncius.schemas.codec import decode, kind_of

_ANY: Final = Limits(min_altitude_deg=0.0, sun_altitude_max_deg=90.0)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Plan:
    """What is asked of one facility, and around it.

    Parameters
    ----------
    entry
        The request and what was said of it.
    tiles
        The fields; of a pointing one, whose start and stop are its window and whose probability is not known (NaN).
    telescope
        Who observes; None where the policies know no telescope of that name.
    sites, limits
        Where from and within what, as the policies say now.
    sky, map_sha256
        What the fields were laid on, and the name of its file where it is one.
    """

    entry: Entry
    tiles: tuple[PlannedTile, ...]
    telescope: Telescope | None
    sites: tuple[Site, ...]
    limits: Limits
    sky: SkyMap | None
    map_sha256: str = ""

    @property
    def request(self) -> ToORequest:
        """Its latest revision."""
        return self.entry.latest


class PlanFinder:
    """Finds plans, the alerts and the map behind them by their ids: for a command, and for a process that goes on.

    Parameters
    ----------
    log
        Read for coincidences.
    archive, maps
        Where alerts and coincidences lie on it, and its sky maps.
    policies
        They know the telescopes.
    """

    def __init__(self, log: Log, archive: Archive, maps: Mapping[str, SkyMap], policies: Policies) -> None:
        self._log = log
        self._archive = archive
        self._maps = maps
        self._policies = policies

    def plan(self, entry: Entry) -> Plan:
        """The plan of a request.

        Raises
        ------
        SettingsError
            If it has neither fields nor a window: it is not wanted, taken back, or has no position yet.
        """
        one, policies = entry.latest, self._policies
        limits = _limits(one, policies)
        tiles = tuple(_placed(tile, policies.telescopes.get(one.facility), limits) for tile in tiles_of(one))
        if not tiles:
            raise SettingsError(f"request {one.request_id[:SHORT]} has no plan: it is {entry.state}: {one.reason}")
        sky, sha256 = self._sky(one)
        names = dict.fromkeys(tile.site for tile in tiles)
        return Plan(
            entry=entry,
            tiles=tiles,
            telescope=policies.telescopes.get(one.facility),
            sites=tuple(policies.sites[name] for name in names if name in policies.sites),
            limits=limits,
            sky=sky,
            map_sha256=sha256,
        )

    def _sky(self, one: ToORequest) -> tuple[SkyMap | None, str]:
        """The map that the planner laid the fields on, found as it does; else that of the event."""
        maps, alerts = self._maps, self._alerts(one)
        notices = {alert.alert_id: Notice.of(alert, maps) for alert in alerts}
        cause = self._cause(one, notices)
        policy = next((policy for policy in self._policies.policies if policy.name == one.policy), None)
        sky = None
        if cause is not None and policy is not None and named_alerts(cause) <= notices.keys():
            found = judge(policy, cause, notices, maps, ANYTHING)
            target = None if found is None else found.targets[0] if isinstance(found, Wanted) else found.target
            sky = None if target is None else target.region()
        if sky is None:
            event = thread_of(notices.values(), one.event_thread, one.run_mode)
            sky = None if event is None or event.placed is None else event.placed.region()
        combined = cause.combined_map if isinstance(cause, Coincidence) else None
        return sky, _name(sky, [*([] if combined is None else [combined.sha256]), *_names(alerts)], maps)

    def _alerts(self, one: ToORequest) -> list[Alert]:
        """All of the event and those that the request rests on, in the order of the log."""
        of_event = (record_at(self._log, EVENTS, offset) for offset in self._archive.thread(one.event_thread))
        named = (self._archive.alert(ident) for ident in one.follows)
        records = {record.offset: record for record in (*of_event, *named) if record is not None}
        return list(readable(_alert, (records[offset] for offset in sorted(records))))

    def _cause(self, one: ToORequest, notices: Mapping[str, Notice]) -> Cause | None:
        if one.cause_kind == "alert":
            return thread_of(notices.values(), one.event_thread, one.run_mode)
        offsets = self._archive.revisions(one.cause_id)
        last = record_at(self._log, COINCIDENCES, offsets[-1]) if offsets else None
        return next(readable(_coincidence, [] if last is None else [last]), None)


def _alert(record: Record) -> Alert:
    return decode_alert(record.value or b"")


def _coincidence(record: Record) -> Coincidence | CandidateList:
    data = record.value or b""
    return decode(Coincidence, data) if kind_of(data) is Coincidence else decode(CandidateList, data)


def plan_of(log: Log, entry: Entry, policies: Policies) -> Plan:
    """The plan of a request, by readers of its own.

    Raises
    ------
    SettingsError
        As `PlanFinder.plan`.
    """
    return PlanFinder(log, Archive(log), MapShelf(log), policies).plan(entry)


def tiles_of(one: ToORequest) -> tuple[PlannedTile, ...]:
    """Its fields; of a pointing one, with its window; empty where it has neither, or no position yet."""
    where = one.position
    if one.tiles or where is None or one.window_start is None or one.window_stop is None:
        return one.tiles
    return (
        PlannedTile(
            number=1,
            site=one.site,
            ra=where.ra,
            dec=where.dec,
            start=one.window_start,
            stop=one.window_stop,
            position_angle_deg=one.position_angle_deg or 0.0,
            exposure_s=one.exposure_s,
            filter=one.filter,
            airmass=float("nan") if one.airmass_min is None else one.airmass_min,
            probability=float("nan"),
            target_name=one.target_name,
        ),
    )


def _placed(tile: PlannedTile, telescope: Telescope | None, limits: Limits) -> PlannedTile:
    """The field with a site and its best airmass there, where a request from outside states neither."""
    if tile.site or telescope is None or len(telescope.sites) != 1:
        return tile
    (site,) = telescope.sites
    found = windows(tile.ra, tile.dec, site, limits, start=tile.start, stop=tile.stop)
    best = min((window.airmass_min for window in found), default=float("nan"))
    return replace(tile, site=site.name, airmass=best)


def _limits(one: ToORequest, policies: Policies) -> Limits:
    """As the policy and the telescope say; where neither is known any more, as the request does."""
    policy = next((policy for policy in policies.policies if policy.name == one.policy), None)
    if policy is not None and one.facility in policy.asked:
        return limits_of(policy, one.facility, policies)
    known = policies.telescopes.get(one.facility)
    asked = _ANY if known is None else known.limits
    if one.max_airmass is not None:
        asked = replace(asked, min_altitude_deg=max(asked.min_altitude_deg, altitude_of(one.max_airmass)))
    moon_deg = max(asked.moon_separation_min_deg, one.moon_separation_min_deg or 0.0)
    return replace(asked, moon_separation_min_deg=moon_deg)


def thread_of(notices: Iterable[Notice], thread_id: str, run_mode: str) -> Thread | None:
    """The thread among these notices; None where none is of it."""
    mine = [notice for notice in notices if (notice.thread_id, notice.run_mode) == (thread_id, run_mode)]
    if not mine:
        return None
    found = Thread(tuple(mine[:1]))
    for notice in mine[1:]:
        found = found.with_notice(notice)
    return found


def _names(alerts: Iterable[Alert]) -> list[str]:
    return [spot.shape.sha256 for alert in alerts for spot in alert.localizations if isinstance(spot.shape, SkyMapRef)]


def _name(sky: SkyMap | None, names: Iterable[str], maps: Mapping[str, SkyMap]) -> str:
    """The sha256 of a map's file; empty where it is none."""
    return next((name for name in names if sky is not None and name in maps and maps[name] is sky), "")


def told(plan: Plan) -> datetime:
    """When the plan was last changed, by its policy, a person or the facility, UTC."""
    known = [plan.request.issued_time, *(said.time for said in plan.entry.told if said.state != "recorded")]
    return max((time for time in known if time is not None), default=plan.tiles[0].start.astimezone(UTC))

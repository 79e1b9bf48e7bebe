"""Avro packets of our own making, in the shape of ZTF's and Rubin's; our own fields and numbers."""

import struct
import zlib
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, Final

import orjson
from fastavro import parse_schema, schemaless_writer

SYNC: Final = bytes(range(16))


def optional(kind: Any) -> list[Any]:
    return ["null", kind]


def record(name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": n, "type": t} for n, t in fields.items()]}


CANDIDATE: Final = {
    "jd": "double",
    "fid": "int",
    "candid": optional("long"),
    "isdiffpos": optional("string"),
    "ra": optional("double"),
    "dec": optional("double"),
    "magpsf": optional("float"),
    "sigmapsf": optional("float"),
    "diffmaglim": optional("float"),
    "rb": optional("float"),
    "drb": optional("float"),
    "sgscore1": optional("float"),
    "distpsnr1": optional("float"),
    "ssdistnr": optional("float"),
    "ssnamenr": optional("string"),
    "ndethist": optional("int"),
    "jdstarthist": optional("double"),
    "exptime": optional("float"),
}
ZTF: Final = record(
    "ztf.alert",
    {
        "objectId": "string",
        "candid": "long",
        "candidate": record("ztf.alert.candidate", CANDIDATE),
        "prv_candidates": optional({"type": "array", "items": record("ztf.alert.prv_candidate", CANDIDATE)}),
        "cutoutScience": optional("bytes"),
    },
)
DIA_SOURCE: Final = {
    "diaSourceId": "long",
    "diaObjectId": optional("long"),
    "ssObjectId": optional("long"),
    "midpointMjdTai": "double",
    "ra": "double",
    "raErr": optional("float"),
    "dec": "double",
    "decErr": optional("float"),
    "psfFlux": optional("float"),
    "psfFluxErr": optional("float"),
    "snr": optional("float"),
    "band": optional("string"),
    "reliability": optional("float"),
    "extendedness": optional("float"),
    "timeWithdrawnMjdTai": optional("double"),
    "pixelFlags_injected": optional("boolean"),
    "pixelFlags_injectedCenter": optional("boolean"),
}
FORCED: Final = {"midpointMjdTai": "double", "psfFlux": optional("float"), "psfFluxErr": optional("float")}


def rubin(version: str = "v11_0") -> dict[str, Any]:
    return record(
        f"lsst.{version}.alert",
        {
            "diaSourceId": "long",
            "diaSource": record(f"lsst.{version}.diaSource", DIA_SOURCE),
            "prvDiaSources": optional({"type": "array", "items": f"lsst.{version}.diaSource"}),
            "prvDiaForcedSources": optional(
                {"type": "array", "items": record(f"lsst.{version}.diaForcedSource", FORCED)}
            ),
            "diaObject": optional(
                record(
                    f"lsst.{version}.diaObject",
                    {
                        "diaObjectId": "long",
                        "firstDiaSourceMjdTai": optional("double"),
                        "nDiaSources": optional("int"),
                    },
                )
            ),
            "cutoutScience": optional("bytes"),
        },
    )


def filled(fields: Mapping[str, Any], **values: Any) -> dict[str, Any]:
    return {name: values.get(name) for name in fields}


def ztf_record(prv: Sequence[dict[str, Any]] | None = None, **values: Any) -> dict[str, Any]:
    candidate = {"jd": 2460000.75, "fid": 2, "ra": 197.45, "dec": -23.38, "magpsf": 17.5, "sigmapsf": 0.05, **values}
    return {
        "objectId": "ZTF23abcdefg",
        "candid": 2250001234515010002,
        "candidate": filled(CANDIDATE, **candidate),
        "prv_candidates": prv,
        "cutoutScience": b"x" * 100,
    }


def rubin_record(
    prv: Sequence[dict[str, Any]] | None = None,
    forced: Sequence[dict[str, Any]] | None = None,
    dia_object: dict[str, Any] | None = None,
    **values: Any,
) -> dict[str, Any]:
    source = {
        "diaSourceId": 7001,
        "diaObjectId": 9001,
        "midpointMjdTai": 61000.25,
        "ra": 10.0,
        "dec": -30.0,
        "psfFlux": 3630.780548,
        "psfFluxErr": 36.30780548,
        "band": "g",
        "reliability": 0.9,
        "pixelFlags_injected": False,
        "pixelFlags_injectedCenter": False,
        **values,
    }
    return {
        "diaSourceId": 7001,
        "diaSource": filled(DIA_SOURCE, **source),
        "prvDiaSources": prv,
        "prvDiaForcedSources": forced,
        "diaObject": dia_object,
        "cutoutScience": None,
    }


def body(schema: Any, value: Any) -> bytes:
    stream = BytesIO()
    schemaless_writer(stream, parse_schema(schema), value)
    return stream.getvalue()


def wire(schema_id: int, schema: Any, value: Any) -> bytes:
    """As Confluent's serializer frames it: magic byte 0 and the id in network order."""
    return struct.pack("!bI", 0, schema_id) + body(schema, value)


def long(value: int) -> bytes:
    """Zigzag varint, written from the Avro specification."""
    rest = (value << 1) ^ (value >> 63)
    out = bytearray()
    while rest > 0x7F:
        out.append((rest & 0x7F) | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def container(schema: Any, *values: Any, codec: str = "null") -> bytes:
    return raw_container(orjson.dumps(schema), len(values), b"".join(body(schema, v) for v in values), codec)


def raw_container(schema_json: bytes, count: int, data: bytes, codec: str = "null") -> bytes:
    """A container with one block, byte by byte from the Avro specification."""
    if codec == "deflate":
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        data = packer.compress(data) + packer.flush()
    header = b"Obj\x01" + long(2)
    for key, value in ((b"avro.schema", schema_json), (b"avro.codec", codec.encode())):
        header += long(len(key)) + key + long(len(value)) + value
    return header + long(0) + SYNC + long(count) + long(len(data)) + data + SYNC

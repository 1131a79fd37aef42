#!/usr/bin/env python3
"""Reads passports back with other people's programs: Croissant with mlcroissant, the bill of materials with the library of CycloneDX, envelopes of DSSE
and keys with `cryptography`.

    passport.py SEIMAI RUN

The run is copied, and its copy signed and cut down. Needs the packages of tests/python/requirements.txt.
"""
import base64
import hashlib
import json
import logging
import pathlib
import shutil
import subprocess
import sys
import tempfile

import mlcroissant
import pyarrow.parquet
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

IN_TOTO = "application/vnd.in-toto+json"


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def column(run, directory, name):
    """A column of the parts of a directory, in their order."""
    parts = sorted((run / directory).glob("*.parquet"))
    return [value for part in parts for value in pyarrow.parquet.read_table(part, columns=[name])[name].to_pylist()]


def croissant(run):
    """The metadata is valid without a remark, and records that are loaded by it are those of the tables."""
    dataset = mlcroissant.Dataset(jsonld=str(run / "croissant.json"))
    issues = dataset.metadata.ctx.issues
    assert not issues.errors, issues.errors
    loaded = {}
    for directory in ("documents", "tokens"):
        records = list(dataset.records(directory))
        loaded[directory] = len(records)
        for name in ("doc_id", "source") + (("text",) if directory == "documents" else ("input_ids",)):
            found = [record[f"{directory}/{name}"] for record in records]
            found = [value.decode() if isinstance(value, bytes) else [int(id) for id in value] for value in found]
            # Parts are read in any order.
            assert sorted(found) == sorted(column(run, directory, name)), f"{directory}/{name}"
    # The checksum of a file is looked at: another table is refused.
    part = sorted((run / "documents").glob("*.parquet"))[0]
    data = json.loads((run / "croissant.json").read_text(encoding="utf-8"))
    objects = {item["@id"]: item for item in data["distribution"]}
    assert objects[f"documents/{part.name}"]["sha256"] == sha256(part)
    return {**loaded, "warnings": sorted(issues.warnings)}


def cyclonedx(run):
    """Valid by the schema of CycloneDX that the library ships, and not valid without what the schema wants."""
    text = (run / "passport" / "cyclonedx.json").read_text(encoding="utf-8")
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    error = validator.validate_str(text)
    assert error is None, error
    bom = json.loads(text)
    broken = dict(bom, components=[{"name": "no type"}])
    assert validator.validate_str(json.dumps(broken)) is not None, "the validator accepts anything"
    evidence = json.loads((run / "passport" / "passport.json").read_text(encoding="utf-8"))
    assert {item["name"] for item in bom["components"] if item["bom-ref"].startswith("source-")} == set(evidence["sources"])
    return {"components": len(bom["components"])}


def encoded(kind, payload):
    """The pre-authentication encoding of DSSE, written from its specification."""
    kind = kind.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def verified(envelope, public):
    """The payload, if the key has signed it: `cryptography` decides."""
    payload = base64.b64decode(envelope["payload"], validate=True)
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    signature = next(item for item in envelope["signatures"] if item["keyid"] == hashlib.sha256(der).hexdigest())
    public.verify(base64.b64decode(signature["sig"], validate=True), encoded(envelope["payloadType"], payload))
    return payload


def envelopes(seimai, run, work):
    """Signatures of ours are those of `cryptography`, with keys of ours and of its; files are those that the statement names."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    subprocess.run([seimai, "--quiet", "key", "new", work / "ours.pem"], check=True, capture_output=True)
    other = Ed25519PrivateKey.generate()
    pem = other.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (work / "theirs.pem").touch(mode=0o600)
    (work / "theirs.pem").write_bytes(pem)
    (work / "theirs.pub").write_bytes(
        other.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    for key in ("ours.pem", "theirs.pem"):
        subprocess.run([seimai, "sign", run, "--key", work / key], check=True, capture_output=True)
    for key in ("ours.pem.pub", "theirs.pub"):
        subprocess.run([seimai, "verify", run, "--key", work / key], check=True, capture_output=True)
    secret = serialization.load_pem_private_key((work / "ours.pem").read_bytes(), password=None)
    public = serialization.load_pem_public_key((work / "ours.pem.pub").read_bytes())
    raw = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    assert secret.public_key().public_bytes(*raw) == public.public_bytes(*raw)

    envelope = json.loads((run / "passport" / "statement.dsse.json").read_text(encoding="utf-8"))
    assert envelope["payloadType"] == IN_TOTO and len(envelope["signatures"]) == 2
    payload = verified(envelope, public)
    assert verified(envelope, other.public_key()) == payload
    statement = json.loads(payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1" and statement["predicateType"] == "https://slsa.dev/provenance/v1"
    for subject in statement["subject"]:
        assert subject["digest"]["sha256"] == sha256(run / subject["name"]), subject["name"]
    # A blank more is another payload.
    try:
        verified(dict(envelope, payload=base64.b64encode(payload + b" ").decode()), public)
    except InvalidSignature:
        pass
    else:
        raise AssertionError("any payload is accepted")
    # And what `cryptography` signs, is believed here.
    signature = other.sign(encoded(IN_TOTO, payload))
    assert next(item for item in envelope["signatures"] if base64.b64decode(item["sig"]) == signature)
    return {"subjects": len(statement["subject"]), "signatures": len(envelope["signatures"])}


def receipt(seimai, run, plan_dir, work):
    """The envelope of a receipt, and a search for the document with another reader."""
    doc_id = column(run, "documents", "doc_id")[0]
    new = work / "without"
    subprocess.run(
        [seimai, "forget", run, doc_id, "-o", new, "--at", plan_dir, "--key", work / "ours.pem", "--progress", "none"], check=True, capture_output=True
    )
    public = serialization.load_pem_public_key((work / "ours.pem.pub").read_bytes())
    envelope = json.loads((work / "without.receipt.json.dsse.json").read_text(encoding="utf-8"))
    statement = json.loads(verified(envelope, public))
    assert statement["subject"] == [{"name": "manifest.json", "digest": {"sha256": sha256(new / "manifest.json")}}]
    told = statement["predicate"]
    assert doc_id in [one["doc_id"] for one in told["removed"]]
    for directory in ("documents", "rejected", "tokens"):
        assert doc_id in column(run, directory, "doc_id") or directory == "rejected"
        assert doc_id not in column(new, directory, "doc_id"), directory
    return {"removed": len(told["removed"]), "rows": told["search"]["rows"]}


def main():
    logging.disable(logging.WARNING)
    seimai, given = sys.argv[1:3]
    seimai = pathlib.Path(seimai).resolve()
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        run = work / "out"
        shutil.copytree(given, run)
        subprocess.run([seimai, "passport", run], check=True, capture_output=True)
        plan_dir = pathlib.Path(__file__).resolve().parents[2] / "examples"
        told = {
            "croissant": croissant(run),
            "cyclonedx": cyclonedx(run),
            "dsse": envelopes(seimai, run, work),
            "receipt": receipt(seimai, run, plan_dir, work),
        }
        print(json.dumps(told))


main()

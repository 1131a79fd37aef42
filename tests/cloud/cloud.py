"""Runs from and to a store: a real S3 server on loopback, with harm done on the way and processes killed.

    cloud.py SEIMAI SERVER [--only CHECKS] [--trials 20] [--lines 9000] [--seed 1] [--measure MB] [--plain SEIMAI] [--report FILE]

SEIMAI is a build with the feature `cloud`, SERVER the program `s3s-fs`. Each check prints a line; the first that fails ends with exit code 1.
--measure reads so many MB from the server and from a disk, alone; --plain is a build without the feature, which must refuse.
"""
import argparse
import base64
import bz2
import gzip
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
sys.path[:0] = [str(HERE), str(REPOSITORY / "scripts")]
from run_tree import tree  # noqa: E402
from s3 import ACCESS, SECRET, Proxy, Server, put  # noqa: E402

# What names the paths of the inputs, and nothing else, may differ between a disk and a store.
NAMES_PATHS = {"plan.toml", "manifest.json", "report.html"}
said = []


def check(what, condition, detail=""):
    print(f"{'ok' if condition else 'FAILED'}  {what}" + (f": {detail}" if detail and not condition else ""), flush=True)
    if not condition:
        sys.exit(1)


class World:
    def __init__(self, a, scratch):
        self.seimai, self.scratch = a.seimai, Path(scratch)
        self.server = Server(a.server, str(self.scratch / "store"))
        self.proxy = Proxy(self.server.port, a.seed)
        for bucket in ("corpora", "runs"):
            self.server.bucket(bucket)

    def environment(self, port=None, **more):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "GOOGLE_", "AZURE_"))}
        ours = {
            "AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port or self.proxy.port}", "AWS_READ_TIMEOUT": "2 seconds",
        }
        ours.update(more)
        return {**kept, **{k: v for k, v in ours.items() if v is not None}}

    def start(self, *arguments, port=None, **environment):
        command = [self.seimai, *map(str, arguments), "--progress", "none"]
        return subprocess.Popen(
            command, env=self.environment(port, **environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.scratch
        )

    def seimai_says(self, *arguments, **environment):
        process = self.start(*arguments, **environment)
        out, err = process.communicate()
        said.append(out + err)
        return process.returncode, out + err

    def plan(self, name, paths, **more):
        lines = ["[input]", f"paths = {json.dumps([str(path) for path in paths])}", "[tokenizer]", f"vocab_size = {more.get('vocab', 1200)}"]
        lines += ["[shards]", f"bytes_max = {more.get('part', 400000)}", "rows_max = 2000", "[quality]", 'preset = "none"']
        # Beside the data and not above it: then inputs have the same names from a disk and from a store.
        path = self.scratch / "plans" / f"{name}.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(lines) + "\n")
        return path

    def objects(self, bucket, prefix=""):
        return tree(self.scratch / "store" / bucket / prefix)


def corpus(root, lines_of_large):
    """Files of every kind of reading: small ones, several ranges, pieces that threads decode, archives, tables."""
    root.mkdir()
    for file in sorted((REPOSITORY / "corpora-samples").rglob("*")):
        if file.is_file() and file.name != "README.md" and not file.name.startswith("."):
            target = root / file.relative_to(REPOSITORY / "corpora-samples")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
    rnd = random.Random(7)
    words = re.findall(r"[^。\n]{4,40}。", (root / "prose.jsonl").read_text() + (root / "manuals.jsonl.zst").name)

    def lines(n, tag):
        for i in range(n):
            yield json.dumps({"id": f"{tag}-{i}", "text": f"{tag}の{i}番。" + "".join(rnd.choices(words, k=30))}, ensure_ascii=False) + "\n"

    (root / "many").mkdir()
    large = "".join(lines(lines_of_large, "大")).encode()
    (root / "many" / "large.jsonl").write_bytes(large)
    (root / "many" / "blocks.jsonl.bz2").write_bytes(bz2.compress("".join(lines(2500, "圧")).encode(), 1))
    with gzip.open(root / "many" / "members.jsonl.gz", "wb") as file:
        file.write("".join(lines(600, "員")).encode())
    with zipfile.ZipFile(root / "many" / "archive.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(4):
            archive.writestr(f"part{i}.jsonl", "".join(lines(150, f"箱{i}")))
    with tarfile.open(root / "many" / "archive.tar.gz", "w:gz") as archive:
        archive.add(root / "prose.jsonl", "prose.jsonl")
        archive.add(root / "letters.jsonl", "letters.jsonl")
    (root / ".hidden.jsonl").write_text(next(lines(1, "隠")))
    return len(large)


def same_but_for_paths(first, second):
    """Two trees without what names the paths of the inputs; of the manifest, everything else."""
    trees = [{k: v for k, v in tree(out).items() if not k.startswith(".work/") and k not in NAMES_PATHS} for out in (first, second)]
    manifests = []
    for out in (first, second):
        manifest = json.loads((Path(out) / "manifest.json").read_text())
        manifest["files"] = [file for file in manifest["files"] if file["path"] not in NAMES_PATHS]
        manifests.append(manifest)
    trees = [{k: v for k, v in t.items() if k != "_SUCCESS"} for t in trees]
    if trees[0] != trees[1]:
        print("these files differ:", sorted(k for k in {**trees[0], **trees[1]} if trees[0].get(k) != trees[1].get(k)))
    if manifests[0] != manifests[1]:
        print("these keys of the manifest differ:", [k for k in manifests[0] if manifests[0][k] != manifests[1].get(k)])
    return trees[0] == trees[1] and manifests[0] == manifests[1]


def delivered(world, out, prefix):
    """What lies in the store is what lies in the directory."""
    local = {k: v for k, v in tree(out).items() if not k.startswith(".work/")}
    there = {k: v for k, v in world.objects("runs", prefix).items()}
    return local == there


def from_disk(world, data, out):
    """The tree that others are compared with."""
    if not out.exists():
        code, text = world.seimai_says("run", world.plan("disk", [data]), "--out", out)
        check("a run over files of a disk", code in (0, 3), text)
    return out


def inputs(world, data):
    local = from_disk(world, data, world.scratch / "local")
    for name, paths in (("place", ["s3://corpora/corpus"]), ("slash", ["s3://corpora/corpus/"])):
        code, text = world.seimai_says("run", world.plan(name, paths), "--out", world.scratch / name)
        check(f"the same objects, by {paths[0]}", code in (0, 3) and same_but_for_paths(local, world.scratch / name), text)
    code, text = world.seimai_says("run", world.plan("place", ["s3://corpora/corpus"]), "--out", world.scratch / "place")
    check("started again, it is done", code in (0, 3) and "done before" in text, text)
    for pattern, of in (("s3://corpora/corpus/**/*.jsonl*", f"{data}/**/*.jsonl*"), ("s3://corpora/corpus/m*/*.{zip,gz}", f"{data}/m*/*.{{zip,gz}}")):
        outs = [world.scratch / f"glob-{side}" for side in ("store", "disk")]
        codes = [world.seimai_says("run", world.plan("glob", [path]), "--out", out)[0] for path, out in zip((pattern, of), outs)]
        check(f"the pattern {pattern}", codes[0] == codes[1] and same_but_for_paths(*outs), codes)
        for out in outs:
            shutil.rmtree(out)
    for name in ("s3://corpora/corpus/prose.jsonl", "s3://corpora/corpus/manuals.jsonl.zst"):
        local_file = data / name.rsplit("/", 1)[1]
        texts = [world.seimai_says("normalize", path) for path in (name, local_file)]
        check(f"normalize {name}", texts[0] == texts[1] and texts[0][0] == 0, texts[0][1][:300])


def refusals(world):
    secret_wrong = "another-secret-of-somebody"
    plan = world.plan("refused", ["s3://corpora/corpus"])
    for what, plan, environment, code, words in (
        ("a wrong secret", plan, {"AWS_SECRET_ACCESS_KEY": secret_wrong}, 2, "403"),
        ("a wrong key", plan, {"AWS_ACCESS_KEY_ID": "AKNOBODY"}, 2, "docs/guide/scale.md"),
        ("no key", plan, {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, 2, "AWS_ACCESS_KEY_ID is not"),
        ("http that is not allowed", plan, {"AWS_ALLOW_HTTP": None}, 1, "s3://corpora"),
        ("no such bucket", world.plan("r1", ["s3://nowhere/x"]), {}, 2, "NoSuchBucket"),
        ("no such object", world.plan("r2", ["s3://corpora/corpus/nothing.jsonl"]), {}, 2, "no object lies there"),
        ("a pattern without objects", world.plan("r3", ["s3://corpora/corpus/*.none"]), {}, 2, "matches none"),
        ("no bucket", world.plan("r4", ["s3:///x"]), {}, 2, "names no bucket"),
    ):
        out = world.scratch / "refused"
        found, text = world.seimai_says("run", plan, "--out", out, **environment)
        check(f"{what}: exit {code}", found == code and words in text and secret_wrong not in text, f"exit {found}: {text}")
        check("… and nothing was written", not out.exists())
    for arguments, words in (
        (("--out", "s3://runs/x"), "--work DIR"),
        (("--out", "local-out", "--work", "w"), "--work"),
        (("--out", "s3://corpora/corpus/out", "--work", "w"), "beside the inputs"),
        (("--out", "s3://runs/x", "--work", "w", "--shard", "0/2"), "one share"),
        (("--out", "s3://nowhere/x", "--work", "w"), "NoSuchBucket"),
    ):
        found, text = world.seimai_says("run", world.plan("refused", ["s3://corpora/corpus"]), *arguments)
        check(f"{' '.join(arguments)} is refused", found == 2 and words in text, f"exit {found}: {text}")


def faults(world, local):
    proxy = world.proxy
    for rate, kinds in ((0.25, ["500", "503", "reset", "late"]), (0.4, ["cut"]), (0.3, ["slow"]), (0.15, ["stall"])):
        proxy.harm(rate, kinds)
        out = world.scratch / "harmed"
        began = time.monotonic()
        code, text = world.seimai_says("run", world.plan("place", ["s3://corpora/corpus"]), "--out", out)
        took, done = time.monotonic() - began, dict(proxy.done)
        proxy.harm(0, [])
        check(f"{rate:.0%} of requests {'/'.join(kinds)} ({sum(done.values())} done, {took:.0f} s): same tree",
              code in (0, 3) and sum(done.values()) > 0 and same_but_for_paths(local, out), f"exit {code}: {text}")
        shutil.rmtree(out)


def listing(world):
    """More objects than one answer names, and answers that are cut: none is left out, none comes twice."""
    for number in range(2300):
        put(world.server.port, "corpora", f"names/{number:04}.txt", f"{number}番の蔵に米を納めた。\n".encode())
    plan = world.plan("names", ["s3://corpora/names"])
    world.proxy.harm(0.6, ["cut"], among="list-type")
    told = [world.seimai_says("plan", plan, "--json") for _ in range(2)]
    done = dict(world.proxy.done)
    world.proxy.harm(0, [])
    counted = [(code, len(json.loads(text)["inputs"]) if code == 0 else text) for code, text in told]
    check(f"a listing of three answers, cut on the way ({sum(done.values())} done)", done and all(of == (0, 2300) for of in counted), counted)


def changed(world, data):
    """An object is written again while the run reads it."""
    body, state = (data / "many" / "large.jsonl").read_bytes(), {"left": 12}
    # As long as before, and another content.
    *rest, last_but_one, last = body.splitlines(keepends=True)
    other = b"".join([*rest, last, last_but_one])
    put(world.server.port, "corpora", "moving/large.jsonl", body)

    def hook(method, path, _):
        if method == "GET" and "moving/large" in path:
            state["left"] -= 1
            # Of three ranges, each asked for once and kept.
            if state["left"] == 10:
                put(world.server.port, "corpora", "moving/large.jsonl", other)

    world.proxy.hook = hook
    code, text = world.seimai_says("run", world.plan("moving", ["s3://corpora/moving"]), "--out", world.scratch / "moving")
    world.proxy.hook = None
    check("an object that changes under a run: exit 2", code == 2 and "changed since this run began" in text, f"exit {code}: {text}")
    check("… and nothing has a final name", not (world.scratch / "moving" / "documents").exists())


def outputs(world, data):
    plan = world.plan("sent", [data / "prose.jsonl", data / "many" / "large.jsonl"])
    work = world.scratch / "work"
    command = ("run", plan, "--out", "s3://runs/v1", "--work", work)
    held_out = (*command, "--set", "split.validation=0.2")
    code, text = world.seimai_says(*held_out)
    check("a run is sent", code == 0 and delivered(world, work, "v1") and "validation/pack/pack.json" in world.objects("runs", "v1"), text)
    world.proxy.harm(0, [])
    code, text = world.seimai_says(*held_out)
    check("started again, nothing is sent", code == 0 and "sent to s3://runs/v1: 0 files" in text and "PUT" not in world.proxy.requests, text)
    code, text = world.seimai_says(*command, "--set", "tokenizer.vocab_size=1300", "--set", "shards.bytes_max=40000000")
    check("with another plan it takes the place of the first", code == 0 and delivered(world, work, "v1") and "removed" in text, text)
    put(world.server.port, "runs", "foreign/thesis.txt", b"mine")
    put(world.server.port, "runs", "mixed/documents/part-00000.parquet", b"mine")
    for place in ("foreign", "mixed"):
        code, text = world.seimai_says("run", plan, "--out", f"s3://runs/{place}", "--work", world.scratch / "w2")
        kept = world.objects("runs", place)
        check(f"a place with objects of others is refused ({place})", code == 2 and len(kept) == 1 and not (world.scratch / "w2").exists(), text)
    world.proxy.harm(0.25, ["500", "503", "reset", "late", "cut"])
    code, text = world.seimai_says("run", plan, "--out", "s3://runs/harmed", "--work", work, "--set", "tokenizer.vocab_size=1300",
                                   "--set", "shards.bytes_max=40000000")
    done = dict(world.proxy.done)
    world.proxy.harm(0, [])
    check(f"sent over a way that does harm ({done})", code == 0 and delivered(world, work, "harmed"), f"exit {code}: {text}")
    return work


def fat(world):
    """Few words, and addresses that no compression makes small: a table of more than one part of an upload."""
    path, rnd = world.scratch / "fat.jsonl", random.Random(3)
    if not path.exists():
        with open(path, "w", encoding="utf-8") as file:
            for i in range(1600):
                address = base64.urlsafe_b64encode(rnd.randbytes(12000)).decode()
                text = f"{i}番の米を{rnd.randrange(10**9)}俵、{rnd.randrange(10**9)}番の蔵に納めた。"
                file.write(json.dumps({"id": f"f{i}", "text": text, "url": f"https://example.jp/{address}"}) + "\n")
    return path


def kills(world, data, trials, seed):
    """The sender is killed, or the server is: nothing half-written has a final name, and the same command ends the same."""
    plan = world.plan("fat", [data / "prose.jsonl", fat(world)], part=40000000)
    work, rnd = world.scratch / "kills", random.Random(seed)
    code, text = world.seimai_says("run", plan, "--out", work)
    whole = {k: v for k, v in tree(work).items() if not k.startswith(".work/")}
    largest = max((work / name).stat().st_size for name in whole)
    check("the run that is sent has a file of several parts", code == 0 and largest > 17 << 20, f"{largest} bytes {text}")
    command = ("run", plan, "--out", "s3://runs/kills", "--work", work)
    world.proxy.harm(0, [], delay=0.02)
    began = time.monotonic()
    code, text = world.seimai_says(*command)
    took = time.monotonic() - began
    check("sent", code == 0 and delivered(world, work, "kills"), text)
    killed = partial = 0
    for trial in range(trials):
        shutil.rmtree(world.scratch / "store" / "runs" / "kills")
        for leftover in (world.scratch / "store").glob(".bucket-*"):
            leftover.unlink()
        for _ in range(rnd.randint(1, 3)):
            process = world.start(*command)
            victim = "server" if trial % 3 == 2 else "sender"
            try:
                process.wait(rnd.uniform(0.05, took))
            except subprocess.TimeoutExpired:
                killed += 1
                if victim == "server":
                    world.server.kill()
                    time.sleep(rnd.uniform(0, 0.5))
                    world.server.start()
                else:
                    process.kill()
            out, err = process.communicate()
            said.append(out + err)
            there = {k: v for k, v in world.objects("runs", "kills").items()} if (world.scratch / "store/runs/kills").exists() else {}
            wrong = [name for name, digest in there.items() if whole.get(name) != digest and name not in ("run.json", "run.log.jsonl")]
            check(f"trial {trial}: what has a name is whole", not wrong, wrong)
            check(f"trial {trial}: _SUCCESS only with everything", "_SUCCESS" not in there or set(there) == set(whole), sorted(there))
            partial += 0 < len(there) < len(whole)
        code, text = world.seimai_says(*command)
        check(f"trial {trial}: the same command ends it", code == 0 and delivered(world, work, "kills"), f"exit {code}: {text}")
    world.proxy.harm(0, [])
    check(f"{killed} kills in {trials} trials, {partial} of them in the middle", killed >= trials * 2 // 3 and partial > 0, f"{killed}, {partial}")


def server_gone(world, local):
    """The server goes in the middle of reading and does not come back: a clear error, and the run goes on later."""
    out, plan = world.scratch / "gone", world.plan("place", ["s3://corpora/corpus"])
    world.proxy.hook = lambda method, path, count: world.server.kill() if count == 60 else None
    world.proxy.harm(0, [])
    began = time.monotonic()
    code, text = world.seimai_says("run", plan, "--out", out)
    took = time.monotonic() - began
    world.proxy.hook = None
    check(f"a server that goes ends the run after {took:.0f} s: exit 1, told what to do", code == 1 and "hint" in text and "s3://corpora/" in text, f"{code}: {text}")
    world.server.start()
    code, text = world.seimai_says("run", plan, "--out", out)
    check("the same command goes on", code in (0, 3) and same_but_for_paths(local, out), text)


def interrupted(world, data):
    """SIGTERM while a large file is sent: exit 143 within five seconds, and the upload is given up."""
    plan, work = world.plan("fat", [data / "prose.jsonl", fat(world)], part=40000000), world.scratch / "kills"
    world.proxy.harm(0, [], delay=0.4)
    process = world.start("run", plan, "--out", "s3://runs/term", "--work", work)
    while world.proxy.requests.get("PUT", 0) < 3 and process.poll() is None:
        time.sleep(0.02)
    began = time.monotonic()
    process.terminate()
    out, err = process.communicate()
    said.append(out + err)
    took = time.monotonic() - began
    world.proxy.harm(0, [])
    check(f"SIGTERM while sending: exit 143 after {took:.1f} s", process.returncode == 143 and took < 5, f"{process.returncode}: {err}")


def measure(world, data, mb):
    """A large file from the server and from a disk: `count` reads it once, a run three times."""
    big = data / "measured.jsonl"
    block = (data / "many" / "large.jsonl").read_bytes()
    with open(big, "wb") as file:
        while file.tell() < mb << 20:
            file.write(block)
    put(world.server.port, "corpora", "measured/measured.jsonl", big.read_bytes())
    found = {"mb": big.stat().st_size / 1e6}
    for name, source, port in (("disk", big, None), ("store", "s3://corpora/measured/measured.jsonl", world.server.port),
                               ("counted", "s3://corpora/measured/measured.jsonl", world.proxy.port)):
        world.proxy.harm(0, [])
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        process = world.start("normalize", source, port=port)
        size = sum(len(chunk) for chunk in iter(lambda: process.stdout.read(1 << 20), ""))
        process.wait()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found[name] = {"wall": round(time.monotonic() - began, 2), "cpu": round(cpu, 2), "characters": size, "rc": process.returncode}
        if name == "counted":
            found[name].update(requests=dict(world.proxy.requests), bytes=world.proxy.bytes)
    big.unlink()
    print(json.dumps(found, indent=1))
    return found


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("seimai")
    p.add_argument("server")
    p.add_argument("--trials", type=int, default=20)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--lines", type=int, default=9000, help="lines of the large input")
    p.add_argument("--only", help="inputs, refusals, listing, changed, faults, outputs, kills, interrupted or gone; several with commas")
    p.add_argument("--measure", type=int)
    p.add_argument("--plain")
    p.add_argument("--report")
    a = p.parse_args()
    for name in ("seimai", "server", "plain"):
        if getattr(a, name):
            setattr(a, name, os.path.realpath(getattr(a, name)))
    with tempfile.TemporaryDirectory() as scratch:
        world = World(a, scratch)
        try:
            data = world.scratch / "data"
            large = corpus(data, a.lines)
            check("an input of several ranges", large > 9 << 20, large)
            if a.measure:
                found = measure(world, data, a.measure)
                if a.report:
                    Path(a.report).write_text(json.dumps(found, indent=1) + "\n")
                return
            for file in sorted(data.rglob("*")):
                if file.is_file():
                    put(world.server.port, "corpora", f"corpus/{file.relative_to(data)}", file.read_bytes())
            put(world.server.port, "corpora", "corpus/many/", b"")
            if a.plain:
                world.seimai = a.plain
                code, text = world.seimai_says("run", world.plan("plain", ["s3://corpora/corpus"]), "--out", "plain")
                check("a build without stores says how to build one", code == 2 and "--features cloud" in text, text)
                world.seimai = a.seimai
            only = a.only.split(",") if a.only else None
            local = world.scratch / "local"
            for name, checks in (
                ("inputs", lambda: inputs(world, data)),
                ("refusals", lambda: refusals(world)),
                ("listing", lambda: listing(world)),
                ("changed", lambda: changed(world, data)),
                ("faults", lambda: faults(world, from_disk(world, data, local))),
                ("outputs", lambda: outputs(world, data)),
                ("kills", lambda: kills(world, data, a.trials, a.seed)),
                ("interrupted", lambda: interrupted(world, data)),
                ("gone", lambda: server_gone(world, from_disk(world, data, local))),
            ):
                if only is None or name in only:
                    checks()
            written = [path for path in world.scratch.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
            check("the secret stands in no output and in no file", not any(SECRET in text for text in said) and not written, written)
        finally:
            world.server.kill()


if __name__ == "__main__":
    main()

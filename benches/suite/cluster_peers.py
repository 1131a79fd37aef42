#!/usr/bin/env python3
"""A whole run of Seimai beside datatrove's filters and near-duplicates, on one Ray cluster of two one-CPU nodes of this machine, on the same text.

    cluster_peers.py [--shared ../shared] [--megabytes 8] [--rounds 2] [--report FILE]

Needs PYTHONPATH=python (with the compiled module), `datatrove[io,processing,ray]==0.10.1`, ray and what datatrove's Japanese words need:
spacy sudachipy sudachidict_core fugashi unidic-lite emoji; and the program `zstd`. datatrove has the thresholds that FineWeb2 publishes for
Japanese (configs/jpn_Jpan.yml of huggingface/fineweb-2) and MinHash of 14 × 8 in its four stages, each stage by its `RayPipelineExecutor` with four
tasks. Ours is everything: filters, near-duplicates, but also segmentation, keigo, a vocabulary, tokens and packs. CPU seconds of all processes of
the cluster, its start not among them. Python 3.11 or later.
"""
import argparse
import glob
import gzip
import json
import os
import shutil
import statistics
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cluster import Watch, deal

LANGUAGE = "jpn_Jpan"
TASKS = 4


def ours(folder, work):
    import seimai
    import seimai.ray

    plan = seimai.Plan.from_toml(f'[input]\npaths = ["{folder}"]\n[quality]\npreset = "web"\n[dedup]\nnear = 0.8\n[shards]\nbytes_max = 2097152\n')
    report = seimai.ray.run(plan, os.path.join(work, "out"), memory_per_task="1GiB")
    return report.totals["kept"]


def datatrove(folder, work):
    from datatrove.executor import RayPipelineExecutor
    from datatrove.pipeline.dedup import MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets
    from datatrove.pipeline.filters import FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers.jsonl import JsonlWriter
    from datatrove.utils.hashing import HashConfig

    path = lambda *names: os.path.join(work, *names)
    config = MinhashConfig(hash_config=HashConfig(hash_fc="xxhash", precision=64), num_buckets=14, hashes_per_bucket=8, n_grams=5)
    read = lambda folder: JsonlReader(folder, glob_pattern="*.jsonl*", doc_progress=False)

    def execute(name, pipeline, tasks=TASKS):
        RayPipelineExecutor(pipeline=pipeline, tasks=tasks, workers=2, mem_per_cpu_gb=1, logging_dir=path("logs", name)).run()

    execute("filters", [
        read(folder),
        GopherRepetitionFilter(language=LANGUAGE, dup_para_frac=0, dup_line_char_frac=0, dup_para_char_frac=0, dup_line_frac=0.328,
                               top_n_grams=[(2, 0.239), (3, 0.196), (4, 0.172)],
                               dup_n_grams=[(5, 0.243), (6, 0.225), (7, 0.207), (8, 0.19), (9, 0.175), (10, 0.159)]),
        FineWebQualityFilter(language=LANGUAGE, short_line_thr=999, char_duplicates_ratio=0.1, line_punct_thr=0.096, new_line_ratio=0.13),
        GopherQualityFilter(language=LANGUAGE, max_avg_word_length=6, min_avg_word_length=1, min_stop_words=2, max_non_alpha_words_ratio=0.759,
                            stop_words="の に を は た て が と で 年 し ・ 月 れ さ".split()),
        JsonlWriter(path("filtered"))])
    execute("signatures", [read(path("filtered")), MinhashDedupSignature(output_folder=path("signatures"), config=config, language=LANGUAGE)])
    execute("buckets", [MinhashDedupBuckets(input_folder=path("signatures"), output_folder=path("buckets"), config=config)], tasks=14)
    execute("cluster", [MinhashDedupCluster(input_folder=path("buckets"), output_folder=path("remove"), config=config)], tasks=1)
    execute("kept", [read(path("filtered")), MinhashDedupFilter(input_folder=path("remove")), JsonlWriter(path("kept"))])
    kept = 0
    for name in glob.glob(path("kept", "*")):
        with gzip.open(name, "rt", encoding="utf-8") as file:
            kept += sum(1 for _ in file)
    return kept


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--shared", default=os.environ.get("SEIMAI_SHARED", "../shared"))
    p.add_argument("--megabytes", type=float, default=8)
    p.add_argument("--rounds", type=int, default=2)
    p.add_argument("--report")
    a = p.parse_args()
    corpus = os.path.join(a.shared, "data", "corpus")
    if not os.path.isdir(corpus):
        sys.exit("skipped: cluster_peers needs shared/data/corpus (not found)")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False)
    rows, watch = [], Watch()
    with tempfile.TemporaryDirectory() as scratch:
        folder = os.path.join(scratch, "in")
        total = deal(corpus, folder, a.megabytes * 1e6)
        for number in range(a.rounds):
            for name, engine in [("seimai", ours), ("datatrove", datatrove)]:
                work = os.path.join(scratch, "work")
                os.makedirs(work)
                started, before = time.monotonic(), watch.seconds()
                kept = engine(folder, work)
                row = {"round": number, "what": name, "wall_s": round(time.monotonic() - started, 1), "cpu_s": round(watch.seconds() - before, 1), "kept": kept}
                shutil.rmtree(work)
                rows.append(row)
                print(json.dumps(row), flush=True)
    ray.shutdown()
    cluster.shutdown()
    middle = lambda what: statistics.median(row["cpu_s"] for row in rows if row["what"] == what)
    summary = {"bytes": total, "cpu_s": {name: middle(name) for name in ("seimai", "datatrove")}, "times": round(middle("datatrove") / middle("seimai"), 1)}
    print(json.dumps(summary))
    if a.report:
        with open(a.report, "w", encoding="utf-8") as file:
            json.dump({"summary": summary, "rows": rows}, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env bash
# What a site asks of a network that is built with Zensical's plugin `offline`.
#
# Expected: `[project.plugins.offline]` makes pages that work from disk with the network unplugged, as its name says; a page without it and one with it load nothing from elsewhere.
# Seen: without the plugin no page of zensical 0.0.73 loads anything from another host; with it every page has <script src="https://unpkg.com/iframe-worker/shim">, without a version and without
# an integrity attribute, so that each page view asks that host, and searching from disk works only while it answers. Found because the links of a site that was to be air-gapped were checked.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet --disable-pip-version-check zensical==0.0.73
"$scratch/venv/bin/python" -c 'from importlib.metadata import version; print("zensical", version("zensical"))'

build() { # NAME [PLUGIN]
  mkdir -p "$scratch/$1/docs"
  printf '# A page\n\nWords.\n' >"$scratch/$1/docs/index.md"
  printf '[project]\nsite_name = "A site"\nuse_directory_urls = false\n[project.theme]\nfont = false\n[project.plugins.search]\n%s\n' "${2:-}" >"$scratch/$1/zensical.toml"
  (cd "$scratch/$1" && "$scratch/venv/bin/zensical" build --clean >/dev/null)
  grep -oE '<(script|link|img)[^>]+(src|href)="https?://[^"]+"' "$scratch/$1/site/index.html" | grep -oE 'https?://[^"]+' | sort -u || true
}
without=$(build without)
with=$(build with '[project.plugins.offline]')
echo "without the plugin, a page loads from elsewhere: ${without:-nothing}"
echo "with it: ${with:-nothing}"
[ -z "$without" ] && [ "$with" = "https://unpkg.com/iframe-worker/shim" ] || { echo "changed" >&2; exit 1; }

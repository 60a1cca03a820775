#!/usr/bin/env bash
# Create a virtual environment and install the tested set (requirements/lock.txt) into it.
#
#   bash tools/setup_env.sh [VENV]        default: .venv
#
# Each stage is done once and remembered in VENV/.setup; a later call only looks. Environment:
#   PYTHON          interpreter for the environment (3.11 is the tested one)
#   PIP_FIND_LINKS  folders with prebuilt wheels, separated by spaces; a wheel of mmcv there
#                   saves its build
#   MAX_JOBS        parallel jobs of mmcv's build (default: all cores)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=${1:-.venv}
python=${PYTHON:-python3.11}
lock=requirements/lock.txt
state=$venv/.setup
log=$venv/setup.log

fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

locked() { sed -n "s/^$1==//p" "$lock"; }

# The key of a stage: what it was done with. Changing the lock file does all of them again.
stage_key() { { cat "$lock"; echo "$1"; } | cksum | cut -d' ' -f1; }

# Run a stage's command once, its output in the log, a line every half minute meanwhile.
stage() {
  local name=$1 note=$2 key start
  shift 2
  key=$(stage_key "$*")
  [ "$(cat "$state/$name" 2>/dev/null)" = "$key" ] && return
  printf 'setup: %s%s\n' "$name" "${note:+ ($note)}"
  start=$SECONDS
  printf '\n=== %s: %s\n' "$name" "$*" >>"$log"
  "$@" >>"$log" 2>&1 </dev/null &
  local job=$! ticks=0
  trap 'kill $job 2>/dev/null' INT TERM
  while kill -0 "$job" 2>/dev/null; do
    sleep 1
    ticks=$((ticks + 1))
    [ $((ticks % 30)) -eq 0 ] && printf 'setup:   %4d s  %s\n' "$((SECONDS - start))" \
      "$(tail -n 1 "$log" | tr '\r' '\n' | tail -n 1 | cut -c 1-100)"
  done
  trap - INT TERM
  if ! wait "$job"; then
    tail -n 25 "$log" >&2
    fail "'$name' failed after $((SECONDS - start)) s; the whole log is $log. Mend the cause and
setup: call again: what is done is kept."
  fi
  echo "$key" >"$state/$name"
  printf 'setup:   done in %d s\n' "$((SECONDS - start))"
}

if [ ! -x "$venv/bin/python" ]; then
  command -v "$python" >/dev/null || fail "no $python: apt-get install python3.11 python3.11-venv, or set PYTHON"
  "$python" -c 'import sys; sys.exit(not (3, 9) <= sys.version_info[:2])' ||
    fail "$python is older than 3.9: set PYTHON"
  "$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python cannot make a virtual environment: apt-get install python3-venv"
  "$python" -m venv "$venv" || fail "could not create $venv"
fi
mkdir -p "$state"
pip="$venv/bin/python -m pip --disable-pip-version-check"
torch_version=$(locked torch)

if [ ! -f "$state/announced" ]; then
  cat <<TEXT
setup: installing into $venv (about 6 GB on disk; log: $log). What takes long:
setup:   torch and what it needs, a download of about 3 GB
setup:   mmcv $(locked mmcv), built from source with its compiled ops: about 12 minutes on two cores,
setup:   unless PIP_FIND_LINKS (now: ${PIP_FIND_LINKS:-not set}) holds a wheel of it
TEXT
  touch "$state/announced"
fi

stage build-tools '' $pip install -c "$lock" setuptools wheel ninja numpy cython
stage torch 'large download' $pip install -c "$lock" torch torchvision
stage chumpy '' $pip install -c "$lock" --no-build-isolation chumpy

build_mmcv() {
  export MMCV_WITH_OPS=1 FORCE_CUDA=0 MAX_JOBS="${MAX_JOBS:-$(nproc)}"
  local options=()
  if command -v nvcc >/dev/null && nvidia-smi -L >/dev/null 2>&1; then
    # A prebuilt wheel may hold CPU ops only, so on such a machine it is built here.
    export FORCE_CUDA=1
    options=(--no-binary mmcv)
  fi
  command -v c++ >/dev/null || [ -n "${PIP_FIND_LINKS:-}" ] ||
    { echo 'a C++ compiler is needed: apt-get install g++'; return 1; }
  PATH="$PWD/$venv/bin:$PATH" $pip install -v -c "$lock" --no-build-isolation "${options[@]}" mmcv
}
stage mmcv 'built from source where no wheel is found' build_mmcv
stage mmpose '' $pip install -c "$lock" --no-build-isolation mmengine mmdet mmpose

use_headless_opencv() {
  "$venv/bin/python" -c 'import cv2' && return
  # A machine without a screen often lacks libGL; the headless build is the same library.
  $pip uninstall -y opencv-python
  $pip install "opencv-python-headless==$(locked opencv-python)"
  "$venv/bin/python" -c 'import cv2'
}
stage opencv '' use_headless_opencv
stage mmpose_wass '' $pip install -c "$lock" --no-build-isolation -e '.[dev,bench]'

"$venv/bin/python" - "$torch_version" <<'CHECK' || fail "the environment does not import; remove $venv and call again (log: $log)"
import importlib.metadata as metadata
import sys

found = metadata.version('torch').split('+')[0]
sys.exit(found != sys.argv[1] and f'torch {found} is installed, {sys.argv[1]} is the tested one')
CHECK

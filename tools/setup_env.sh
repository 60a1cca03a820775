#!/usr/bin/env bash
# Create a virtual environment and install the tested set (requirements/lock.txt) into it.
#
#   bash tools/setup_env.sh [VENV]        default: .venv
#
# Each stage is done once and remembered in VENV/.setup; a later call only looks. Environment:
#   PYTHON          interpreter for the environment: 3.11 (the tested one) or 3.12
#   PIP_FIND_LINKS  folders with prebuilt wheels, separated by blanks; a wheel of mmcv there
#                   saves its build
#   MAX_JOBS        parallel jobs of mmcv's build (default: all cores)
set -euo pipefail
set -m # stages run in process groups of their own, so that an interrupt ends all of one
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=${1:-.venv}
case $venv in /*) ;; *) venv=$PWD/$venv ;; esac
python=${PYTHON:-python3.11}
lock=requirements/lock.txt
state=$venv/.setup
log=$venv/setup.log

fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

pip() { "$venv/bin/python" -m pip --disable-pip-version-check "$@"; }

locked() { sed -n "s/^$1==//p" "$lock"; }

# Run a stage's command once, its output in the log, a line every half minute meanwhile. It is done
# again when the lock file, the command or what `key` names has changed.
stage() { # name, note, key, command...
  local name=$1 note=$2 key start job ticks=0 code=0
  key=$({ cat "$lock"; echo "${@:3}"; } | cksum | cut -d' ' -f1)
  shift 3
  [ "$(cat "$state/$name" 2>/dev/null)" = "$key" ] && return
  printf 'setup: %s%s\n' "$name" "${note:+ ($note)}"
  start=$SECONDS
  printf '\n=== %s: %s\n' "$name" "$*" >>"$log"
  "$@" >>"$log" 2>&1 </dev/null &
  job=$!
  trap 'kill -- -$job 2>/dev/null; fail "interrupted in stage $name; call again to go on"' INT TERM HUP
  while kill -0 "$job" 2>/dev/null; do
    sleep 1
    ticks=$((ticks + 1))
    [ $((ticks % 30)) -eq 0 ] && printf 'setup:   %4d s  %s\n' "$((SECONDS - start))" \
      "$(tail -n 1 "$log" | tr '\r' '\n' | tail -n 1 | cut -c 1-100)"
  done
  wait "$job" || code=$?
  trap - INT TERM HUP
  if [ "$code" -ne 0 ]; then
    tail -n 25 "$log" >&2
    fail "'$name' failed after $((SECONDS - start)) s; the whole log is $log.
setup: Mend the cause and call again: what is done is kept."
  fi
  echo "$key" >"$state/$name"
  printf 'setup:   done in %d s\n' "$((SECONDS - start))"
}

# Whether mmcv's CUDA ops can be built: a GPU, and an nvcc of the CUDA release that torch is for.
cuda_build() {
  command -v nvcc >/dev/null && nvidia-smi -L >/dev/null 2>&1 || return 1
  local toolkit wanted
  toolkit=$(nvcc --version | sed -n 's/.*release \([0-9]*\)\..*/\1/p')
  wanted=$("$venv/bin/python" -c 'import torch; print((torch.version.cuda or "none").split(".")[0])')
  [ "$toolkit" = "$wanted" ] && return
  echo "setup: nvcc is of CUDA $toolkit, torch of CUDA $wanted: mmcv is built without CUDA ops" >&2
  return 1
}

build_mmcv() { # cuda | cpu
  export MMCV_WITH_OPS=1 MAX_JOBS="${MAX_JOBS:-$(nproc)}" PATH="$venv/bin:$PATH"
  if [ "$1" = cuda ]; then
    # A prebuilt wheel may hold CPU ops only.
    FORCE_CUDA=1 pip install -v -c "$lock" --no-build-isolation --no-binary mmcv mmcv
  else
    # mmcv builds CUDA ops wherever torch sees a device, so it must not see one.
    FORCE_CUDA=0 CUDA_VISIBLE_DEVICES='' pip install -v -c "$lock" --no-build-isolation mmcv
  fi
  "$venv/bin/python" -c 'import mmcv.ops' ||
    pip install -v -c "$lock" --no-build-isolation --no-deps --force-reinstall --no-cache-dir \
      --no-binary mmcv mmcv # a wheel built for another torch does not load
  "$venv/bin/python" -c 'import mmcv.ops'
}

# A machine without a screen often lacks libGL; the headless build is the same library. The last
# stage that installs anything, since pip would bring the other one back.
loadable_opencv() {
  "$venv/bin/python" -c 'import cv2' && return
  pip uninstall -y opencv-python
  pip install --no-deps --force-reinstall "opencv-python-headless==$(locked opencv-python)"
  "$venv/bin/python" -c 'import cv2'
}

mmcv_wheel_at_hand() {
  local folder
  for folder in ${PIP_FIND_LINKS:-}; do
    folder=${folder#file://}
    ls "${folder//%20/ }"/mmcv-"$(locked mmcv)"-*.whl >/dev/null 2>&1 && return
  done
  return 1
}

if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
  command -v "$python" >/dev/null ||
    fail "no $python: apt-get install python3.11 python3.11-venv python3.11-dev, or set PYTHON"
  "$python" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' ||
    fail "$("$python" --version) cannot hold the tested set of $lock: set PYTHON to a 3.11 or 3.12.
setup: In an environment of your own (Python 3.10 or later): docs/install.md."
  if ! mmcv_wheel_at_hand; then
    command -v c++ >/dev/null || fail 'building mmcv needs a C++ compiler: apt-get install g++'
    "$python" -c 'import os, sysconfig as s, sys
sys.exit(not os.path.exists(os.path.join(s.get_path("include"), "Python.h")))' ||
      fail "building mmcv needs Python's headers: apt-get install python3.11-dev"
  fi
  # --clear: what an interrupted call left is not an environment.
  "$python" -m venv --clear "$venv" ||
    fail "could not create $venv: apt-get install python3.11-venv, or see above"
fi
mkdir -p "$state"

if [ ! -f "$state/announced" ]; then
  cat <<TEXT
setup: installing into $venv (about 6 GB on disk; log: $log). What takes long:
setup:   torch and what it needs, a download of about 3 GB
setup:   mmcv $(locked mmcv), built from source with its compiled ops: about 12 minutes on two cores,
setup:   unless PIP_FIND_LINKS (now: ${PIP_FIND_LINKS:-not set}) holds a wheel of it
TEXT
  touch "$state/announced"
fi

stage build-tools '' '' pip install -c "$lock" setuptools wheel ninja numpy cython
stage torch 'large download' '' pip install -c "$lock" torch torchvision
stage chumpy '' '' pip install -c "$lock" --no-build-isolation chumpy
if [ ! -f "$state/mmcv-kind" ]; then
  if cuda_build; then echo cuda; else echo cpu; fi >"$state/mmcv-kind"
fi
stage mmcv 'built from source where no wheel is found' '' build_mmcv "$(cat "$state/mmcv-kind")"
stage mmpose '' '' pip install -c "$lock" --no-build-isolation mmengine mmdet mmpose
package=$(cat setup.py pyproject.toml)
# With every part that tests need: without one of them they would only be skipped.
stage mmpose_wass '' "$package" \
  pip install -c "$lock" --no-build-isolation -e '.[dev,bench,deploy,film,detect,tensorboard]'
# mmcv, mmpose and the detector's package ask for opencv-python, so whenever the stage above is done
# again, this one is.
stage opencv '' "$package" loadable_opencv
stage import '' "$package" \
  "$venv/bin/python" -c 'import cv2, mmcv.ops, mmpose.models, mmpose_wass'

#!/usr/bin/env bash
# Train on a Slurm cluster.
#   tools/slurm_train.sh PARTITION JOB_NAME CONFIG WORK_DIR [options of train.py]
# Environment: GPUS (8), GPUS_PER_NODE (8), or GPUS=0 and TASKS (2) for processes on CPUs;
# CPUS_PER_TASK (5), SRUN_ARGS, PYTHON.
set -euo pipefail

if [ $# -lt 4 ] || [ "$1" = "-h" ] || [ "$1" = "--help" ]; then
    sed -n '2,5s/^# \{0,1\}//p' "$0"
    [ $# -ge 1 ] && { [ "$1" = "-h" ] || [ "$1" = "--help" ]; } && exit 0
    exit 2
fi
PARTITION=$1
JOB_NAME=$2
CONFIG=$3
WORK_DIR=$4
shift 4

GPUS=${GPUS:-8}
GPUS_PER_NODE=${GPUS_PER_NODE:-8}
RESOURCES=()
if [ "$GPUS" -gt 0 ]; then
    if [ "$GPUS" -lt "$GPUS_PER_NODE" ]; then GPUS_PER_NODE=$GPUS; fi
    RESOURCES=(--gres="gpu:$GPUS_PER_NODE" --ntasks="$GPUS" --ntasks-per-node="$GPUS_PER_NODE")
else
    RESOURCES=(--ntasks="${TASKS:-2}")
fi

set -x
# SRUN_ARGS holds several options: it is meant to be split.
# shellcheck disable=SC2086
PYTHONPATH="$(dirname "$0")/..${PYTHONPATH:+:$PYTHONPATH}" \
exec srun -p "$PARTITION" \
    --job-name="$JOB_NAME" \
    "${RESOURCES[@]}" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 \
    ${SRUN_ARGS:-} \
    "${PYTHON:-python}" -u "$(dirname "$0")/train.py" "$CONFIG" \
    --work-dir="$WORK_DIR" --launcher=slurm "$@"

#!/usr/bin/env bash
# Train with several processes on one or more machines; on GPUs if there are any, else on the CPU.
#   tools/dist_train.sh CONFIG PROCESSES [options of train.py]
# Environment: NNODES, NODE_RANK, MASTER_ADDR, PORT, PYTHON.
set -euo pipefail

if [ $# -lt 2 ] || [ "$1" = "-h" ] || [ "$1" = "--help" ]; then
    sed -n '2,4s/^# \{0,1\}//p' "$0"
    echo "  example: tools/dist_train.sh configs/face/hrnet_w18_300w_wass.py 2 --work-dir work_dirs/run"
    [ $# -ge 1 ] && { [ "$1" = "-h" ] || [ "$1" = "--help" ]; } && exit 0
    exit 2
fi
CONFIG=$1
PROCESSES=$2
shift 2

PYTHONPATH="$(dirname "$0")/..${PYTHONPATH:+:$PYTHONPATH}" \
exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$PROCESSES" \
    "$(dirname "$0")/train.py" "$CONFIG" --launcher pytorch "$@"

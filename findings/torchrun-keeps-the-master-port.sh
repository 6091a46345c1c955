#!/usr/bin/env bash
# Guess: MASTER_PORT is what torch.distributed's documentation says of it, a free port on the machine of rank 0: a program that torchrun
#   starts, and that does not use torch's own rendezvous, can have its rank 0 listen there.
# Happens: the port is taken before any worker starts. torchrun's agent keeps a store of its own on it, with every way to meet
#   (--standalone, a static address, c10d), and says so in TORCHELASTIC_USE_AGENT_STORE=True alone. torch's workers never notice: their
#   rank 0 connects where it would have listened. Only with TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1, and a rendezvous other than the static
#   one, is the port free, and the variable is False.
# Version: torch 2.15.0.
# Source: https://docs.pytorch.org/docs/stable/distributed.html#environment-variable-initialization ("a free port on machine with rank 0").
# Output seen: for --standalone, a static address and c10d "True Address already in use"; with the store not shared "False free".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check torch==2.15.0 numpy==2.4.6
cat >worker.py <<'PYTHON'
import os
import socket

with socket.socket() as listener:
    try:
        listener.bind(("127.0.0.1", int(os.environ["MASTER_PORT"])))
        outcome = "free"
    except OSError as error:
        outcome = error.strerror
print(os.environ["TORCHELASTIC_USE_AGENT_STORE"], outcome)
PYTHON
run() { venv/bin/torchrun --nproc-per-node 1 "$@" worker.py; }
taken="True Address already in use"
for meet in "--standalone" "--master-addr 127.0.0.1 --master-port 29631" "--rdzv-backend c10d --rdzv-endpoint 127.0.0.1:29632"; do
  output=$(run $meet)
  echo "$meet: $output"
  [[ $output == "$taken" ]]
done
export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1
output=$(run --rdzv-backend c10d --rdzv-endpoint 127.0.0.1:29633)
echo "not shared: $output"
[[ $output == "False free" ]]

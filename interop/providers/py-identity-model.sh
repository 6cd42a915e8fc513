# shellcheck shell=bash disable=SC2154
# py-identity-model, a client library in Python, which exchanges tokens of our reference server (`txspec serve`).

prepare() {
  [[ -x $txspec ]] || fail "$txspec is not there: build it with cargo build --release, or say where it is with TXSPEC"
  find_python
  "$python" -c 'import ensurepip, venv' 2>/dev/null || skip "$python has no venv module"
  install_once "$home/py-identity-model/requirements.txt" install_client
}

# The library needs Python 3.12; where pyenv has it, it may be there without being the one in PATH.
find_python() {
  local candidate pyenv_root=${PYENV_ROOT:-${HOME:-}/.pyenv}
  for candidate in python3 python3.14 python3.13 python3.12 "$pyenv_root"/versions/3.*/bin/python3; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
      python=$candidate
      return
    fi
  done
  skip "no Python 3.12 or newer is installed"
}

install_client() {
  "$python" -m venv --clear "$cache/venv"
  "$cache/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes \
    --requirement "$home/py-identity-model/requirements.txt"
}

serve() {
  exec "$txspec" serve --port "$("$python" -c '
import socket
with socket.create_server(("127.0.0.1", 0)) as free:
    print(free.getsockname()[1])')"
}

exercise() {
  "$cache/venv/bin/python" "$home/py-identity-model/check.py"
}

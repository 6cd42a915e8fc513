# shellcheck shell=bash disable=SC2154
# Dex, an OpenID Connect provider in Go that hands logins on to other providers. Its token exchange takes tokens of those
# only, so that our reference server (`txspec serve`) is the issuer behind it.

prepare() {
  [[ -x $txspec ]] || fail "$txspec is not there: build it with cargo build --release, or say where it is with TXSPEC"
  need go
  at_least "$(go env GOVERSION | sed -n 's/^go1\.\([0-9]*\).*/\1/p')" 25 || skip "go is older than go1.25: $(go env GOVERSION)"
  install_once "$home/dex/go.sum" build_dex
  upstream_port=$(free_port)
  export TXSPEC_UPSTREAM=http://127.0.0.1:$upstream_port
}

# go.sum holds the checksums of Dex and of all that it needs; without cgo it is built without SQLite, which nothing uses.
build_dex() {
  env -C "$home/dex" CGO_ENABLED=0 GOFLAGS="-mod=readonly -buildvcs=false" GOTOOLCHAIN=local \
    go build -trimpath -o "$cache/dex" github.com/dexidp/dex/cmd/dex
}

# Neither of the two servers looks at its stdin: when it closes, this ends, and with it they do.
serve() {
  sed "s|ISSUER|http://127.0.0.1:$port|; s|ADDRESS|127.0.0.1:$port|; s|UPSTREAM|$TXSPEC_UPSTREAM|" "$home/dex/dex.yaml" \
    >"$work/dex.yaml"
  cat <&0 &
  "$txspec" serve --port "$upstream_port" </dev/null &
  until listening "$upstream_port"; do
    kill -0 $! || exit 1
    sleep 0.1
  done
  "$cache/dex" serve "$work/dex.yaml" </dev/null &
  wait -n || true
  jobs -pr | xargs kill
}

listening() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# It listens before it has a key.
ready() {
  listening "$port" && grep -q 'keys rotated' "$work/log" && echo "http://127.0.0.1:$port"
}

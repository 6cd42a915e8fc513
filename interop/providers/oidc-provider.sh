# shellcheck shell=bash disable=SC2154
# oidc-provider, an OpenID provider library for Node.js, hosted by interop/oidc-provider/server.mjs.

prepare() {
  need node
  need npm
  [[ $(node -p 'typeof URL.parse') == function ]] || skip "node is older than 20.18 (it has no URL.parse): $(node --version)"
  cp "$home"/oidc-provider/{.npmrc,package.json,package-lock.json,server.mjs} "$cache"
  install_once "$home/oidc-provider/package-lock.json" npm ci --prefix "$cache"
}

serve() {
  CLIENT_KEY=$(<"$root/fixtures/keys/client-es256.pub.jwk.json")
  export CLIENT_KEY PORT=$port
  cd "$cache" && exec node server.mjs
}

# The library warns on the console before it listens, with addresses in its warnings.
ready() {
  sed -n 's/^issuer: //p' "$work/log" | grep .
}

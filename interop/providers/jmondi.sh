# shellcheck shell=bash disable=SC2154
# @jmondi/oauth2-server, an authorization server library for Node.js, hosted by interop/jmondi/server.mjs.

prepare() {
  need node
  need npm
  [[ $(node -p 'process.versions.node.split(".")[0]') -ge 20 ]] || skip "node $(node --version) is older than 20"
  cp "$home"/jmondi/{.npmrc,package.json,package-lock.json,server.mjs} "$cache"
  install_once "$home/jmondi/package-lock.json" npm ci --prefix "$cache"
}

serve() {
  cd "$cache" && exec node server.mjs
}

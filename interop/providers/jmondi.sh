# shellcheck shell=bash disable=SC2154
# @jmondi/oauth2-server, an authorization server library for Node.js, hosted by interop/jmondi/server.mjs.

prepare() {
  need node
  need npm
  at_least "$(node -p 'process.versions.node.split(".")[0]')" 20 || skip "node is older than 20: $(node --version)"
  cp "$home"/jmondi/{.npmrc,package.json,package-lock.json,server.mjs} "$cache"
  install_once "$home/jmondi/package-lock.json" npm ci --prefix "$cache"
}

serve() {
  cd "$cache" && exec node server.mjs
}

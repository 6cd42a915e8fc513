# shellcheck shell=bash disable=SC2154
# mock-oauth2-server, an authorization server for tests that says yes to nearly everything.

# shellcheck source=interop/maven.sh
source "$home/maven.sh"

prepare() {
  need_java 17
  cat "$home"/mock-oauth2-server/{SHA256SUMS,pom.xml} >"$cache/lock"
  install_once "$cache/lock" install_libraries "$home/mock-oauth2-server"
}

serve() {
  SERVER_HOSTNAME=127.0.0.1 SERVER_PORT=$port JSON_CONFIG_PATH=$home/mock-oauth2-server/config.json \
    until_stdin_closes java -XX:TieredStopAtLevel=1 -cp "$cache/lib/*" no.nav.security.mock.oauth2.StandaloneMockOAuth2ServerKt
}

# It logs nothing without a logging library: it is ready when its port is open.
ready() {
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && echo "http://127.0.0.1:$port/default"
}

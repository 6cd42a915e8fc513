# shellcheck shell=bash disable=SC2154
# Spring Authorization Server (part of Spring Security), hosted by interop/spring with Spring Boot.

# shellcheck source=interop/maven.sh
source "$home/maven.sh"

prepare() {
  need_java 17
  need javac
  cat "$home"/spring/{SHA256SUMS,pom.xml,Host.java,application.yaml} >"$cache/lock"
  install_once "$cache/lock" install_host
}

install_host() {
  install_libraries "$home/spring"
  rm -rf "$cache/classes"
  mkdir -p "$cache/classes/static"
  javac --release 17 -parameters -d "$cache/classes" -cp "$cache/lib/*" "$home/spring/Host.java"
  cp "$home/spring/application.yaml" "$cache/classes"
  printf '{"keys":[%s]}' "$(cat "$root/fixtures/keys/client-es256.pub.jwk.json")" >"$cache/classes/static/client-keys.json"
}

serve() {
  PORT=$port until_stdin_closes java -XX:TieredStopAtLevel=1 -cp "$cache/classes:$cache/lib/*" Host
}

ready() {
  grep -q 'Started Host' "$work/log" && echo "http://127.0.0.1:$port"
}

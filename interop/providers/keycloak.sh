# shellcheck shell=bash disable=SC2154
# Keycloak, with the realms of interop/keycloak. The server is built and the realms are imported once, into the cache;
# each start gets a copy of that database. All that is not in the realms (a user who is disabled after a token was issued,
# a client that is deleted) is done by targets/keycloak.yaml with the admin API.

version=26.7.3
checksum=27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f
build_options=(--db=dev-file)
# Half a minute where nothing else runs.
: "${TXSPEC_INTEROP_WAIT:=300}"
# It lives for a minute, too short for the optimising compiler to pay.
export JAVA_OPTS_APPEND=-XX:TieredStopAtLevel=1

prepare() {
  need curl
  need unzip
  find_java
  kc=$cache/keycloak-$version
  database=$cache/database
  local stamp
  stamp=$(echo "$checksum ${build_options[*]}" | cat - "$home"/keycloak/*.json | sha256sum)
  [[ $(cat "$cache/installed" 2>/dev/null) == "$stamp" ]] && return
  rm -rf "$cache/installed" "$cache"/keycloak-*/ "$database"
  download
  unzip -q "$archive" -d "$cache"
  "$kc/bin/kc.sh" build "${build_options[@]}" >&2
  "$kc/bin/kc.sh" import --optimized --db-url="$(database_in "$database")" --dir "$home/keycloak" >&2
  echo "$stamp" >"$cache/installed"
}

# Java 17 or newer, from JAVA_HOME, PATH, or where Debian packages put it.
find_java() {
  local java
  for java in ${JAVA_HOME:+"$JAVA_HOME/bin/java"} "$(command -v java)" /usr/lib/jvm/*/bin/java; do
    if [[ -x $java ]] && at_least "$("$java" -version 2>&1 | grep -om1 '"[0-9]*' | tr -d '"')" 17; then
      JAVA_HOME=$(dirname "$(dirname "$(readlink -f "$java")")")
      export JAVA_HOME
      return
    fi
  done
  skip "no Java 17 or newer is installed"
}

download() {
  archive=$cache/keycloak-quarkus-dist-$version.zip
  if [[ ! -f $archive ]]; then
    need mvn
    mvn --quiet --batch-mode org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
      -Dartifact="org.keycloak:keycloak-quarkus-dist:$version:zip" -DoutputDirectory="$cache" >&2
  fi
  checked "$archive" "$checksum"
}

database_in() {
  echo "jdbc:h2:file:$1/keycloakdb;NON_KEYWORDS=VALUE;DB_CLOSE_ON_EXIT=0"
}

# Keycloak does not look at its stdin, so something beside it does: the server ends when either does.
serve() {
  cp -r "$database" "$work/database"
  cat <"$work/stdin" >/dev/null &
  "$kc/bin/kc.sh" start --optimized --cache=local --http-enabled=true --http-host=127.0.0.1 --http-port="$port" \
    --hostname="http://127.0.0.1:$port" --db-url="$(database_in "$work/database")" </dev/null &
  wait -n || true
  kill -TERM -- "-$BASHPID"
}

ready() {
  local issuer=http://127.0.0.1:$port/realms/txspec
  curl --silent --fail --output /dev/null "$issuer/.well-known/openid-configuration" && echo "$issuer"
}

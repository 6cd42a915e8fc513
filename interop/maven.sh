# shellcheck shell=bash disable=SC2154
# For providers that run on a JVM and come from Maven Central: `source "$home/maven.sh"`.

# need_java VERSION: a Java runtime at least so new, and Maven to install libraries with.
need_java() {
  need java
  need mvn
  local version
  version=$( (java -XshowSettings:properties -version 2>&1 || true) | sed -n 's/^ *java\.specification\.version = //p')
  [[ -n $version ]] || skip "java is there, but does not run"
  at_least "${version%%.*}" "$1" || skip "java is older than $1: $version"
}

# install_libraries FOLDER: puts what FOLDER/pom.xml needs at run time into $cache/lib. Maven checks what it loads with the
# checksums of its repository; FOLDER/SHA256SUMS names each file and its content.
install_libraries() {
  rm -rf "${cache:?}/lib"
  mvn --batch-mode --quiet --strict-checksums --file "$1/pom.xml" \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$cache/lib"
  (cd "$cache/lib" && LC_ALL=C && sha256sum -- *) | diff "$1/SHA256SUMS" - ||
    fail "the libraries are not those that were pinned: SHA256SUMS differs"
}

# until_stdin_closes COMMAND...: for servers that do not look at their stdin.
until_stdin_closes() {
  exec 3<&0
  "$@" </dev/null 3<&- &
  local command=$!
  cat <&3 >/dev/null &
  wait -n || true
  kill -TERM "$command" 2>/dev/null || true
  wait "$command"
}

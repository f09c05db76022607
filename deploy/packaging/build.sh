#!/bin/sh
# Builds the deb and the rpm for this machine's architecture, with man pages and
# completions, into a folder. Two runs with the same SOURCE_DATE_EPOCH, VERSION and
# COMMIT give the same octets.
#
# usage: build.sh FOLDER; `make package` sets the environment.
set -eu
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
: "${GO:=go}" "${VERSION:?}" "${COMMIT:?}" "${NFPM_VERSION:?}"

# Not the time of day: that of the commit.
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y go.mod)}"

# A package's version begins with a digit. v1.2.3-rc.1 comes before 1.2.3, and
# v1.2.3-4-gabcdef, which git describe says four commits later, after it.
case $VERSION in
v[0-9]*) PACKAGE_VERSION=$(printf %s "${VERSION#v}" | sed -E 's/-([0-9]+-g[0-9a-f]+)/+\1/; s/-(alpha|beta|rc)/~\1/; s/-/./g') ;;
*) PACKAGE_VERSION="0~$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d).$COMMIT" ;;
esac
export PACKAGE_VERSION

STAGE=$(mktemp -d)
export STAGE
trap 'rm -rf "$STAGE"' EXIT
trap 'exit 1' HUP INT TERM

CGO_ENABLED=0 $GO build -trimpath -buildvcs=false \
	-ldflags "-s -w -X main.version=$VERSION -X main.commit=$COMMIT" -o "$STAGE/bailiff" ./cmd/bailiff

mkdir "$STAGE/man" "$STAGE/completion"
"$STAGE/bailiff" manual "$STAGE/man"
gzip -9n "$STAGE"/man/*
for shell in bash zsh fish; do
	"$STAGE/bailiff" completion $shell >"$STAGE/completion/$shell"
done

GOARCH=$($GO env GOARCH)
export GOARCH
for packager in deb rpm; do
	$GO run "github.com/goreleaser/nfpm/v2/cmd/nfpm@$NFPM_VERSION" package \
		--config deploy/packaging/nfpm.yaml --packager $packager --target "$folder/"
done

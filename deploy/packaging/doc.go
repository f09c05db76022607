// Package packaging tests what is installed: the packages that build.sh makes,
// the units of systemd, the container file. It installs the deb in a fresh Debian,
// which takes root, debootstrap and the machine's own mirror. A program that is
// missing skips its tests, but in CI (BAILIFF_CI=1) fails them.
package packaging

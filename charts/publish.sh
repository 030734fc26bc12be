#!/usr/bin/env bash
# Push an image and the chart to a registry, and print the command that installs them. The pushed chart names the pushed
# image, so that the command needs no values. Usage: charts/publish.sh REGISTRY VERSION IMAGE; HELM_PUSH_FLAGS are those
# of `helm push`, such as --plain-http.
set -euo pipefail
cd "$(dirname "$0")/.."
registry=${1%/} version=$2 image=$3
host=${registry%%/*}
repository=${registry#"$host"}/mathops
published=$registry/mathops:$version

docker tag "$image" "$published"
docker push --quiet "$published"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp -r charts/mathops "$folder"
sed -i.bak -e "s|^  registry: ghcr.io\$|  registry: $host|" -e "s|^  repository: mathops/mathops\$|  repository: ${repository#/}|" \
  "$folder/mathops/values.yaml"
rm "$folder/mathops/values.yaml.bak"
# Output of another format would mean that the values have moved.
grep -q "^  repository: ${repository#/}\$" "$folder/mathops/values.yaml"
helm package "$folder/mathops" --destination "$folder" --app-version "$version" >/dev/null
# shellcheck disable=SC2086 # several flags
helm push "$folder"/mathops-*.tgz "oci://$registry/charts" ${HELM_PUSH_FLAGS:-}
chart=$(basename "$folder"/mathops-*.tgz .tgz)
echo "helm install mathops oci://$registry/charts/mathops --version ${chart#mathops-} --wait"

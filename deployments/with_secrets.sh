#!/bin/sh
# Runs a command with variables that lie in files: NAME_FILE=/run/secrets/x becomes NAME=<what is in x>, as in
# PostgreSQL's image. So they stand neither in the container's settings nor on a command line.
set -eu
for name in PGPASSWORD PREFECT_API_AUTH_STRING PREFECT_SERVER_API_AUTH_STRING MLFLOW_TRACKING_PASSWORD; do
    if file=$(printenv "${name}_FILE"); then
        value=$(cat "$file")
        [ -n "$value" ] || { echo "$file is empty: $name needs a value" >&2; exit 2; }
        export "$name=$value"
        unset "${name}_FILE"
    fi
done
exec "$@"

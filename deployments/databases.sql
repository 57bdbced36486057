-- PostgreSQL's image runs this once, as its superuser, when its volume is empty: each service gets a role that owns its own
-- database and may do nothing else. The passwords are read from files: they stand on no command line and in no variable.
\set ON_ERROR_STOP on
\set prefect_password `cat /run/secrets/prefect_database`
\set mlflow_password `cat /run/secrets/mlflow_database`
CREATE ROLE prefect LOGIN PASSWORD :'prefect_password';
CREATE ROLE mlflow LOGIN PASSWORD :'mlflow_password';
CREATE DATABASE prefect OWNER prefect;
CREATE DATABASE mlflow OWNER mlflow;
REVOKE ALL ON DATABASE prefect, mlflow, postgres, template1 FROM PUBLIC;

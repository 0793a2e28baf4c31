-- What `verify` saw of the Salesloft of one environment (`tenant`) and team, by the name of the check that saw it.
CREATE TABLE learned (
    tenant TEXT NOT NULL,
    team   TEXT NOT NULL,
    name   TEXT NOT NULL,
    seen   TEXT NOT NULL,
    at     REAL NOT NULL,
    PRIMARY KEY (tenant, team, name)
);

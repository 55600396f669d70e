"""The command line: `hil run`, `report`, `mutate`, `doctor`, `signals`, `ecu`."""

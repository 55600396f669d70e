"""The vehicle's way to its backend: MQTT, artefact server, update backend."""

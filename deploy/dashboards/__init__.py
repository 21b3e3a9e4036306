"""Makes the dashboards for Grafana and Kibana, in `dashboards/`: ``python -m deploy.dashboards``."""

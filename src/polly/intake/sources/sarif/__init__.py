"""SARIF 2.1.0, the reports of static analysis tools."""

"""Self-contained pages: the audit report, and the plots and the page shell that boards share."""

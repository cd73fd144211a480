"""From conformed reviews to rows of the table: prepare on CPUs, annotate with the network, assemble."""

"""What exists where: places, commodities, processes, routes, demands, stocks, and the case folder."""

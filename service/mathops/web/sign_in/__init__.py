"""Sign-in of people through external issuers: routes, cookies and the rule for requests with a cookie."""

"""The page: its server, its routes and its static files.

`server.WebServer` owns the socket and the thread; `app.create_app` puts the routes of the parts together that
are there; each route module beside them is one view's worth of the API.
"""

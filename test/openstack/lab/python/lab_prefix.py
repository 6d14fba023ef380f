"""Serves every paste application below /volume too, as Apache does with ProxyPass or WSGIScriptAlias."""

from oslo_service import wsgi

PREFIX = "/volume"


def serve_below_prefix():
    load_app = wsgi.Loader.load_app

    def load(self, name):
        application = load_app(self, name)

        def below(environ, start_response):
            path = environ["PATH_INFO"]
            if path == PREFIX or path.startswith(PREFIX + "/"):
                environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + PREFIX
                environ["PATH_INFO"] = path[len(PREFIX):]
            return application(environ, start_response)

        return below

    wsgi.Loader.load_app = load

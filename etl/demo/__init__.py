"""The stand-in source systems: a registry database, two HTTP services and a drop folder over one made-up world.

Owns nothing the product may import except `etl.demo.server.runner`; never imports `cockpit`, `warehouse` or their
libraries, so that what the product receives has crossed a real wire or a real file."""

"""The embedded network, `vgg19-mini`: its scenes, its training, its weights, and sample images."""

"""One module for each format of scan files; a module here is a reader that is found by itself.

Its name is the name of the format, the first line of its docstring the line in help texts
and documentation, and its functions are those of `ptycho_torch.data.scan_reader.ScanReader`.
"""

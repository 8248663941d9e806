"""What people read: one gettext catalog a language (``ko.po``), and beside it what is compiled from it (``ko.mo``)."""

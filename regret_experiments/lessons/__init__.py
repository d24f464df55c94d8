"""The course: where its lessons are, how they are exported as notebooks, and how a student's copy is checked."""

from regret_experiments.lessons.checking import check_copy
from regret_experiments.lessons.course import Lesson, lessons, lessons_directory
from regret_experiments.lessons.exporting import export_lessons
from regret_experiments.lessons.solving import solved

__all__ = ["Lesson", "check_copy", "export_lessons", "lessons", "lessons_directory", "solved"]

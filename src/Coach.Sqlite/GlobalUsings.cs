global using Coach.Abstractions;

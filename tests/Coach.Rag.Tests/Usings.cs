global using Coach.Rag.Tests.Storage;

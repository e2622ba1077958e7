using Coach.Rag;
using Microsoft.Extensions.DependencyInjection;

// Questions from the arguments, or line by line from the console.
string documents = Path.Combine(AppContext.BaseDirectory, "documents");
var services = new ServiceCollection();
services.AddLogging();
services.AddCoachRag().WithSource(documents).UseMiniLM();
await using ServiceProvider provider = services.BuildServiceProvider();

var knowledge = provider.GetRequiredService<IKnowledgeBase>();
IngestReport report = await knowledge.SyncAsync();
Console.WriteLine($"{report.Added} documents, {knowledge.PassageCount} passages.");

var retriever = provider.GetRequiredService<IRetriever>();
if (args.Length > 0)
{
    await AnswerAsync(string.Join(' ', args));
    return;
}

while (Console.ReadLine() is { Length: > 0 } question)
{
    await AnswerAsync(question);
}

async Task AnswerAsync(string question)
{
    Retrieval found = await retriever.RetrieveAsync(question);
    foreach (Passage passage in found.Passages.Take(3))
    {
        Console.WriteLine($"{passage.Source}, {passage.Heading}: {passage.Text}");
    }

    if (found.Passages.Count == 0)
    {
        Console.WriteLine("The documents do not say.");
    }
}

// The main job: ask a folder of documents, with or without a key, get cited answers, pay a tab. The library does the work.
var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });

// dotnet run --project samples/Chat -- --knowledge DIR
builder.Configuration.AddCommandLine(args, new Dictionary<string, string> { ["--knowledge"] = "Coach:Rag:Knowledge" });

builder.AddCoach();

var app = builder.Build();
app.UseCoach();
app.UseDefaultFiles();
app.UseStaticFiles();
app.MapCoach();
return await app.RunCoachAsync();

/// <summary>Named for the tests that host this program.</summary>
public sealed partial class Program;

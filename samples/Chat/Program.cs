// The main job: ask a folder of documents, with or without a key, get cited answers, pay a tab. The library does the
// work.
using System.Security.Cryptography;
using System.Text;
using Chat;
using Coach.AspNetCore;
using Coach.Rag;

var builder = WebApplication.CreateBuilder(
    new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });

// dotnet run --project samples/Chat -- --knowledge DIR
builder.Configuration.AddCommandLine(args, new Dictionary<string, string> { ["--knowledge"] = "Coach:Rag:Knowledge" });
string? named = builder.Configuration["Coach:Rag:Knowledge"];
string knowledge = Path.GetFullPath(
    string.IsNullOrWhiteSpace(named) ? Path.Combine(AppContext.BaseDirectory, "knowledge") : named);

// The page offers questions about this project, unless the documents are somebody's own.
if (string.IsNullOrWhiteSpace(named))
{
    builder.Configuration["Coach:Page:Suggestions:0"] = "How is an API key checked without spending tokens?";
    builder.Configuration["Coach:Page:Suggestions:1"] = "What happens to retrieval when there is no key?";
    builder.Configuration["Coach:Page:Suggestions:2"] = "How does Coach avoid creating a payment link twice?";
}

builder.Configuration["Coach:Rag:Knowledge"] = knowledge;

// One index file a folder, kept between runs: unchanged documents are not read again.
builder.Configuration["Coach:Rag:IndexFile"] ??= Path.Combine(
    Environment.GetFolderPath(
        Environment.SpecialFolder.LocalApplicationData,
        Environment.SpecialFolderOption.DoNotVerify) is { Length: > 0 } data
        ? data
        : Path.GetTempPath(),
    "coach-chat", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(knowledge)))[..16] + ".coach");

CoachBuilder coach = builder.AddCoach().WithSharedStores(builder.Configuration);
coach.Rag.WithDocumentReaders().WithLanguages();

// Coach:Credits:Packs puts answers on sale; Coach:Sqlite:Path keeps money, tabs and history on this machine.
if (builder.Configuration.GetSection("Coach:Credits:Packs").Exists())
{
    coach.AddCredits();
}

if (builder.Configuration["Coach:Sqlite:Path"] is { Length: > 0 } database)
{
    builder.Services.AddCoachSqlite(database);
}

// Meaning without a key: the packaged encoder, unless the configuration says none.
string encoder = builder.Configuration["Coach:Rag:Encoder"] is { Length: > 0 } chosen ? chosen.Trim() : "minilm";
if (encoder.Equals("minilm", StringComparison.OrdinalIgnoreCase))
{
    builder.Services.AddCoachRag().UseMiniLM();
}
else if (!encoder.Equals("none", StringComparison.OrdinalIgnoreCase))
{
    builder.Services.AddOptionsWithValidateOnStart<CoachRagOptions>()
        .Validate(_ => false, $"Coach:Rag:Encoder is '{encoder}'; it must be 'minilm' or 'none'.");
}

builder.Services.AddOpenApiDocument();
builder.AddOtlpExport(); // where OTEL_EXPORTER_OTLP_ENDPOINT says

var app = builder.Build();
app.UseCoach();
app.MapCoach();
app.MapCoachPage();
app.MapOpenApi(); // /openapi/v1.json
return await app.RunCoachAsync();

/// <summary>Named for the tests that host this program.</summary>
public sealed partial class Program;

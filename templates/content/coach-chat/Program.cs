var builder = WebApplication.CreateBuilder(args);
builder.Configuration["Coach:Rag:Knowledge"] ??= Path.Combine(builder.Environment.ContentRootPath, "documents");
builder.AddCoach();
builder.Services.AddCoachRag().WithDocumentReaders().UseMiniLM();

var app = builder.Build();
app.UseCoach();
app.MapCoach();
app.MapCoachPage();
return await app.RunCoachAsync();

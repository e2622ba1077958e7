using System.Security.Cryptography;
using Coach.MiniLmModel;

if (args.Length != 3)
{
    Console.Error.WriteLine("usage: MiniLmModel ASSEMBLY OUTPUT SHA256");
    return 2;
}

var resources = new ResourceReader(File.ReadAllBytes(args[0]));
var model = new OnnxReader(resources.Find(".onnx"));
byte[] file = new ModelWriter(model, resources.Find("vocab.txt").ToArray()).Write();
string hash = Convert.ToHexStringLower(SHA256.HashData(file));
if (hash != args[2])
{
    Console.Error.WriteLine($"error : the model made from {args[0]} has the hash {hash}, not {args[2]}: its weights are others.");
    return 1;
}

// Written aside and renamed, so that a build that was cut off leaves no half of a model.
Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(args[1]))!);
string draft = $"{args[1]}.{Environment.ProcessId}.tmp";
File.WriteAllBytes(draft, file);
File.Move(draft, args[1], overwrite: true);
return 0;

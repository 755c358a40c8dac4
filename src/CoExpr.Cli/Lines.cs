using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;

namespace CoExpr.Cli;

/// <summary>Names and texts on standard output: aligned for a person, or as JSON.</summary>
static class Lines
{
    internal static void Print(IReadOnlyList<KeyValuePair<string, string>> lines, bool json)
    {
        if (json)
        {
            Console.Out.WriteLine(Json(lines));
            return;
        }
        var width = lines.Max(line => line.Key.Length);
        foreach (var (name, text) in lines)
            Console.Out.WriteLine($"{name.PadRight(width)}  {text}".TrimEnd());
    }

    static string Json(IReadOnlyList<KeyValuePair<string, string>> lines)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new() { Indented = true }))
        {
            writer.WriteStartArray();
            foreach (var (name, text) in lines)
            {
                writer.WriteStartObject();
                writer.WriteString("name", name);
                writer.WriteString("value", text);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
        }
        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}

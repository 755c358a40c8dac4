namespace CoExpr

open System
open System.IO
open System.Text
open System.Text.Json

/// A JSON value as plain data, so that a figure's specification can be built, compared and tested without a browser.
[<RequireQualifiedAccess>]
type Json =
    | Null
    | Flag of bool
    /// NaN and the infinities, which JSON cannot say, are written as null.
    | Number of float
    | Text of string
    | List of Json list
    /// Members in the order they are written.
    | Object of (string * Json) list

[<RequireQualifiedAccess>]
module Json =

    let rec private append (writer: Utf8JsonWriter) json =
        match json with
        | Json.Number value when Double.IsFinite value -> writer.WriteNumberValue value
        | Json.Null
        | Json.Number _ -> writer.WriteNullValue()
        | Json.Flag value -> writer.WriteBooleanValue value
        | Json.Text value -> writer.WriteStringValue value
        | Json.List items ->
            writer.WriteStartArray()
            items |> List.iter (append writer)
            writer.WriteEndArray()
        | Json.Object members ->
            writer.WriteStartObject()

            for name, value in members do
                writer.WritePropertyName name
                append writer value

            writer.WriteEndObject()

    /// The value as text without white space. Numbers read back to the same number. Every <, >, & and quote inside a
    /// text is written \u00xx (the writer's default), so the result can stand inside an HTML script element whatever
    /// a gene is called.
    let write json =
        use buffer = new MemoryStream()

        using (new Utf8JsonWriter(buffer)) (fun writer -> append writer json)
        Encoding.UTF8.GetString(buffer.GetBuffer(), 0, int buffer.Length)

Alias: $DCM = http://dicom.nema.org/resources/ontology/DCM
Alias: $audit-event-type = http://terminology.hl7.org/CodeSystem/audit-event-type
Alias: $audit-entity-type = http://terminology.hl7.org/CodeSystem/audit-entity-type
Alias: $object-role = http://terminology.hl7.org/CodeSystem/object-role
Alias: $participation = http://terminology.hl7.org/CodeSystem/v3-ParticipationType
Alias: $balp-entity-type = https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType

Profile: RecordingReadDenied
Parent: AuditEvent
Id: recording-read-denied
Title: "Denied read of a consultation recording"
Description: "The gate refused to deliver a recording. It has the shape of PatientRead of IHE BALP, with a failing outcome and a coded reason."
* type = $audit-event-type#rest
* subtype 2..*
* subtype ^slicing.discriminator.type = #value
* subtype ^slicing.discriminator.path = "system"
* subtype ^slicing.rules = #open
* subtype contains interaction 1..1 and reason 1..1
* subtype[interaction].system 1..1
* subtype[interaction].system = "http://hl7.org/fhir/restful-interaction"
* subtype[interaction].code 1..1
* subtype[interaction].code = #read
* subtype[reason] from RecordingDenyReasons (required)
* subtype[reason].system 1..1
* subtype[reason].system = "https://mediaward.example/fhir/CodeSystem/recording-deny-reason"
* subtype[reason].code 1..1
* action 1..1
* action = #R
* outcome 1..1
* outcome = #8
* outcomeDesc 1..1
* agent 2..*
* agent ^slicing.discriminator.type = #value
* agent ^slicing.discriminator.path = "type"
* agent ^slicing.rules = #open
* agent contains client 1..1 and server 1..1 and user 0..1
* agent[client].type 1..1
* agent[client].type = $DCM#110152
* agent[client].who 1..1
* agent[server].type 1..1
* agent[server].type = $DCM#110153
* agent[server].who 1..1
* agent[user].type 1..1
* agent[user].type = $participation#IRCP
* agent[user].who 1..1
* agent[user].requestor = true
* entity 2..*
* entity ^slicing.discriminator.type = #value
* entity ^slicing.discriminator.path = "type"
* entity ^slicing.rules = #open
* entity contains data 1..1 and patient 0..1 and transaction 1..1
* entity[data].type 1..1
* entity[data].type = $audit-entity-type#2
* entity[data].what 1..1
* entity[patient] ^short = "The owner of the recording, whose privacy was at stake. Absent if the recording is unknown or has no owner."
* entity[patient].type 1..1
* entity[patient].type = $audit-entity-type#1
* entity[patient].what 1..1
* entity[patient].what only Reference(Patient)
* entity[transaction] ^short = "The gate's record: its id, and its index in the log as a detail."
* entity[transaction].type 1..1
* entity[transaction].type = $balp-entity-type#XrequestId
* entity[transaction].what 1..1
* entity[transaction].what.identifier 1..1
* entity[transaction].what.identifier.value 1..1

ValueSet: RecordingDenyReasons
Id: recording-deny-reasons
Title: "Reasons for refusing a recording"
Description: "Every reason for which the gate refuses a request."
* include codes from system RecordingDenyReason
